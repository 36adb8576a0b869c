"""The command line of Elementdesk: a program among others, which asks the HTTP API with a key."""
