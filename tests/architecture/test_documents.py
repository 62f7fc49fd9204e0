"""What documents say about the code is made from the code."""

from deploy.documents import documents


def test_the_parts_of_documents_that_are_made_from_the_code_are_current() -> None:
    stale = [path.name for path, wanted in documents().items() if path.read_text() != wanted]

    assert stale == [], "python -m deploy.documents brings them up to date"
