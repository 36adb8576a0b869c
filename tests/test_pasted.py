"""What people paste: the guide's own file, and what editors make of it."""

import json

import pytest

from instances.pasted import InstanceFileError, InstanceRequest, read_instance_file

# The guide's instance.json, letter for letter ("Create Instance", step 1).
GUIDE = """{
  "element": {
    "key": "zuorav2"
  },
  "configuration": {
    "zuorav2.sandbox": true, // To instantiate your production account, set this to false
    "username": "<INSERT_YOUR_ZUORA_USERNAME>",
    "password": "<INSERT_YOUR_ZUORA_PASSWORD>"
  },
  "tags": [
    "<INSERT_TAGS>"
  ],
  "name": "<INSERT_INSTANCE_NAME>"
}
"""
FILLED = (
    GUIDE.replace("<INSERT_YOUR_ZUORA_USERNAME>", "ops@example.com")
    .replace("<INSERT_YOUR_ZUORA_PASSWORD>", "s3cret")
    .replace("<INSERT_TAGS>", "billing")
    .replace("<INSERT_INSTANCE_NAME>", "Test")
)
EXPECTED = InstanceRequest(
    element_key="zuorav2",
    name="Test",
    tags=["billing"],
    configuration={"zuorav2.sandbox": True, "username": "ops@example.com", "password": "s3cret"},
)


def problems_of(text: str) -> list[str]:
    with pytest.raises(InstanceFileError) as caught:
        read_instance_file(text)
    return caught.value.problems


def document(**changes: object) -> str:
    asked = {
        "element": {"key": "zuorav2"},
        "configuration": {"username": "u"},
        "tags": ["t"],
        "name": "Test",
    }
    return json.dumps({**asked, **changes})


def test_the_guides_file_is_read_and_its_comment_named() -> None:
    assert read_instance_file(FILLED) == (EXPECTED, ["Left out a comment (line 6)."])


def test_a_clean_file_needs_no_repair() -> None:
    assert read_instance_file(document())[1] == []


def test_every_placeholder_that_was_left_is_named() -> None:
    assert problems_of(GUIDE) == [
        "Still to be filled in: <INSERT_YOUR_ZUORA_USERNAME>, <INSERT_YOUR_ZUORA_PASSWORD>, "
        "<INSERT_TAGS>, <INSERT_INSTANCE_NAME>."
    ]


@pytest.mark.parametrize("quotes", ["“”", "””", "„“", '"”', '“"'])
def test_curly_quotes_are_read_as_straight_ones(quotes: str) -> None:
    curly = FILLED.split('"')[0] + "".join(
        (quotes[0] if index % 2 == 0 else quotes[1]) + part
        for index, part in enumerate(FILLED.split('"')[1:])
    )
    request, repairs = read_instance_file(curly)
    assert request == EXPECTED
    assert "Read curly quotes as straight ones (line 2)." in repairs


@pytest.mark.parametrize(
    "password",
    ["a“b”c", "”", "it\u2019s", "a // b", "/* x */", "a,}", "tab\\t", 'q\\"uote', "https://x"],
)
def test_nothing_inside_a_value_is_changed(password: str) -> None:
    text = document().replace('"u"', f'"{password}"')
    request, repairs = read_instance_file(text)
    assert request.configuration["username"] == json.loads(f'"{password}"')
    assert repairs == []


def test_straight_quotes_inside_curly_ones_belong_to_the_value() -> None:
    request, _ = read_instance_file(document().replace('"u"', '“say "hi" now”'))
    assert request.configuration["username"] == 'say "hi" now'


def test_marks_blanks_and_loose_commas_are_repaired_and_said() -> None:
    text = "\ufeff" + document(tags=["t"]).replace('["t"]', '["t",\u00a0]').replace(": ", ":\u00a0")
    request, repairs = read_instance_file(text)
    assert request.tags == ["t"]
    assert repairs == [
        "Left out the byte order mark (line 1).",
        "Read a no-break space as a space (line 1).",
        "Left out a comma that nothing follows (line 1).",
    ]


def test_a_comment_may_stand_between_a_loose_comma_and_the_end() -> None:
    request, _ = read_instance_file(document().replace('["t"]', '["t", // none\n /* more */ ]'))
    assert request.tags == ["t"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "The file is not JSON: Expecting value at line 1, column 1."),
        ("[]", "The file must hold one JSON object: { … }."),
        ('{"name": "a", "name": "b"}', "Given twice: name."),
        ('{"name": NaN}', "NaN is not a value of JSON."),
        ("[" * 200_000, "The file is not JSON that can be read."),
        (document(element={"key": 5}), "element.key must be a text in quotes."),
        (document(element={}), "Missing: element.key."),
        (document(name="  "), "Missing: name."),
        (document(name="n" * 256), "name has more than 255 characters."),
        (document(name="a\x00b"), "name contains a character that cannot be stored."),
        (document(name="a\ud800b"), "name contains a character that cannot be stored."),
        (document(tags="t"), 'tags must be a list of texts: ["…"].'),
        (document(tags=[1]), "tag 1 must be a text in quotes."),
        (document(tags=["ced-x"]), "Tag 1 looks like a tag of Elementdesk's own; choose another."),
        (document(configuration=[]), "configuration must be an object: { … }."),
        (
            document(configuration={"a": {}}),
            "configuration: a must be a text, a number, true or false.",
        ),
        (document(provider=1, b=2), "Not known here, so it would not be sent: b, provider."),
        (
            document(element={"key": "zuorav2", "id": 1}),
            "Not known here, so it would not be sent: element.id.",
        ),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(text: str, problem: str) -> None:
    assert problem in problems_of(text)


def test_all_problems_are_told_at_once() -> None:
    assert len(problems_of(document(name="", element={}, tags="x", more=1))) == 4


def test_a_sentence_about_a_file_never_holds_a_value_of_it() -> None:
    broken = FILLED.replace('"s3cret"', '"s3cret" oops')
    assert "s3cret" not in str(problems_of(broken))


def test_numbers_go_out_as_text_and_null_not_at_all() -> None:
    text = document(configuration={"a": 5, "b": None, "c": False})
    assert read_instance_file(text)[0].configuration == {"a": "5", "c": False}


def test_a_request_does_not_show_its_configuration() -> None:
    assert "s3cret" not in repr(EXPECTED)
