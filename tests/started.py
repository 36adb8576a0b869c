"""Set the application up, then run a module that imports models: python -m tests.started MODULE [ARG]..."""

import runpy
import sys

import django

if __name__ == "__main__":
    del sys.argv[0]
    django.setup()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
