"""Sets of texts: what is read of each format, and what is refused."""

from __future__ import annotations

import pytest

from goldcrest.errors import DataProblem
from goldcrest.evaluate import Row, TextSet, read_set


@pytest.fixture
def write(tmp_path):
    def written(name, content):
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return written


def test_json_lines_have_labels_of_every_kind(write):
    file = write(
        "a.jsonl",
        '{"text": "one", "label": "good"}\n'
        '{"text": "two", "label": 1}\n'
        '{"text": "three", "label": ["a", "b"]}\n'
        '{"text": "four", "label": null}\n'
        '{"text": "five", "label": {"text": ["an answer"], "answer_start": [3]}}\n',
    )

    labels = [row.label for row in read_set(file).rows]

    assert ["good", 1.0, ("a", "b"), None, ("an answer",)] == labels


def test_a_json_list_reads_like_lines(write):
    lines = write("a.jsonl", '{"text": "one", "label": "x"}\n{"text": "two", "label": "y"}\n')
    listed = write(
        "a.json", '[{"text": "one", "label": "x"},\n {"text": "two",\n  "label": "y"}]\n'
    )

    assert read_set(lines).rows == read_set(listed).rows


def test_a_newline_within_quotes_does_not_end_a_row_of_csv(write):
    file = write("a.csv", 'text,label\n"one, and\nmore ""quoted""",good\ntwo,bad\n')

    assert (
        Row('one, and\nmore "quoted"', "good", 2),
        Row("two", "bad", 4),
    ) == read_set(file).rows


def test_lines_are_counted_through_newlines_within_quotes(write):
    file = write("a.csv", 'text,label\n"a\nb\nc",x\n\ny,z\n')

    assert [2, 6] == [row.line for row in read_set(file).rows]


def test_quotes_are_ordinary_in_tsv(write):
    file = write("a.tsv", 'text\tlabel\n"so called\t0\nfilm "noir"\t1\n')

    assert (Row('"so called', "0"), Row('film "noir"', "1")) == read_set(file).rows


def test_pairs_have_a_second_text(write):
    file = write("a.csv", "question,context,score\nWho?,Me.,0.5\n")

    found = read_set(file, text="question", second="context", label="score")

    assert (Row(("Who?", "Me."), "0.5"),) == found.rows
    assert ["Who?", "Me."] == found.texts


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.txt"])
def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_a_text(write, name):
    contents = {
        "a.jsonl": '{"text": "one"}\r\n{"text": "two"}\r\n',
        "a.csv": "text\r\none\r\ntwo\r\n",
        "a.tsv": "text\r\none\r\ntwo\r\n",
        "a.txt": "one\r\ntwo\r\n",
    }
    file = write(name, b"\xef\xbb\xbf" + contents[name].encode())

    assert ["one", "two"] == read_set(file).texts


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.txt"])
def test_empty_lines_are_left_out(write, name):
    header = "" if name in ("a.jsonl", "a.txt") else "text\n"
    one, two = ('"one"', '"two"') if name == "a.jsonl" else ("one", "two")
    file = write(name, f"{header}{one}\n\n\n{two}\n\n")

    assert ["one", "two"] == read_set(file).texts


def test_a_line_separator_of_unicode_does_not_end_a_line(write):
    file = write("a.txt", "one\u2028still one\x85and still\ntwo\n")

    assert ["one\u2028still one\x85and still", "two"] == read_set(file).texts


def test_no_more_is_read_than_the_limit(write):
    file = write("a.jsonl", '{"text": "one"}\n{"text": "two"}\nno json\n')

    assert ["one", "two"] == read_set(file, limit=2).texts


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"text": "one"}\n\n{"text": \n', "line 3 of a.jsonl is no JSON"),
        ("a.jsonl", '{"text": "one"}\n[1]\n', "line 2 of a.jsonl is neither an object nor a text"),
        ("a.jsonl", '{"txt": "one", "n": 1}\n', "line 1 of a.jsonl has no text in 'text'; .* txt, n"),
        ("a.jsonl", '{"text": "  "}\n', "line 1 of a.jsonl has no text in 'text'"),
        ("a.jsonl", '{"text": "a", "label": true}\n', "line 1 .* has the label true; it must be"),
        ("a.jsonl", '{"text": "a", "text_pair": 3}\n', "line 1 .* has no text in 'text_pair', but 3"),
        ("a.json", '[{"text": "a"},\n\n {"text": 1}]', "entry 2 of a.json has no text"),
        ("a.json", '[{"text": "a"}', "a.json is no JSON"),
        ("a.csv", "txt,label\none,x\n", "line 1 of a.csv has no column 'text'; there are: txt, label"),
        ("a.csv", "", "line 1 of a.csv has no column 'text'; there are: none"),
        ("a.csv", "text,text,label\na,b,x\n", "line 1 of a.csv has the column 'text' 2 times"),
        ("a.csv", "text,label\none,x\ntwo,x,y\n", "line 3 of a.csv has 3 fields, but the header has 2"),
        ("a.csv", 'text,label\n"one,x\n', "line 2 of a.csv begins a row that is not valid"),
        ("a.csv", 'text,label\none,x\n"two,x\nthree,x\nfour,x\n', "line 3 of a.csv begins a row"),
        ("a.jsonl", '["one", "two"]\n{"text": "three"}\n', "line 1 of a.jsonl is neither an object"),
        ("a.csv", "text,label\n,x\n", "line 2 of a.csv has no text in 'text'"),
        ("a.txt", "\n \n", "holds no text"),
        ("a.txt", b"one\n\xff\n", "line 2 of a.txt is not valid UTF-8"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(write, name, content, said):
    with pytest.raises(DataProblem, match=said):
        read_set(write(name, content))


def test_a_problem_knows_its_file_and_line(write):
    file = write("a.jsonl", '"one"\n{\n')

    with pytest.raises(DataProblem) as caught:
        read_set(file)

    assert (str(file), 2) == (caught.value.file, caught.value.line)


def test_a_file_that_is_not_there_is_a_problem_of_the_data(tmp_path):
    with pytest.raises(DataProblem, match=r"none\.csv cannot be read: No such file"):
        read_set(tmp_path / "none.csv")


@pytest.mark.parametrize(("option", "field"), [("label", "category"), ("second", "context")])
def test_a_field_that_was_named_and_is_nowhere_is_refused(write, option, field):
    file = write("a.csv", "text,label\none,x\n")

    with pytest.raises(DataProblem, match=f"no row of a.csv has a '{field}'"):
        read_set(file, **{option: field})


def test_a_set_is_labelled_when_every_row_is():
    rows = (Row("a", "x"), Row("b", "y"))

    assert TextSet("s", rows).is_labelled
    assert not TextSet("s", (*rows, Row("c"))).is_labelled
    assert not TextSet("s", ()).is_labelled


def test_a_sample_keeps_the_order_and_depends_on_the_seed_alone():
    whole = TextSet("s", tuple(Row(f"{n:03}") for n in range(100)))

    some = whole.sample(20, seed=1)

    assert sorted(some.texts) == some.texts
    assert 20 == len(set(some.texts))
    assert some == whole.sample(20, seed=1)
    assert some != whole.sample(20, seed=2)
    assert whole == whole.sample(1000)
