"""Tables, folders and lists of pictures with captions, as people have them."""

import polars as pl
import pytest
from PIL import Image

from gruta.data.pictures.captioned import Wanted, read_captioned
from gruta.data.pictures.columns import Columns
from gruta.data.pictures.shots import Sight
from gruta.errors import InputError

SIGHT = Sight(16, 4, (255, 255, 255))


@pytest.fixture
def place(tmp_path):
    for k, name in enumerate(("a.png", "b.png", "c.png")):
        Image.new("RGB", (8, 8), (60 * k, 0, 0)).save(tmp_path / name)
    return tmp_path


def read(source, *, lone=False, **columns):
    longest = columns.pop("longest", 100)
    folder = columns.pop("folder", "")
    wanted = Wanted(SIGHT, Columns(**columns), folder, longest)
    return read_captioned(source, wanted, lone=lone)


def table(place, text, name="list.csv"):
    (place / name).write_text(text, encoding="utf-8")
    return place / name


def told(found):
    return {guess.about: guess.value for guess in found.guesses}


def test_names_tell_columns_and_a_picture_may_have_several_captions(place):
    rows = "image,caption_1,caption_2\na.png,a cat,one cat\nb.png,a dog,\na.png,the cat,a cat\n"
    found = read(table(place, rows))
    assert found.captions == {"": [("a cat", "one cat", "the cat"), ("a dog",)]}
    assert told(found) == {"picture column": "image", "captions": "caption_1, caption_2"}


def test_columns_of_languages_are_languages_and_one_can_be_chosen(place):
    path = table(place, "picture,en,pt_BR,author\na.png,A cat.,Um gato.,x\nb.png,A dog.,,y\n")
    found = read(path)
    assert found.captions == {"en": [("A cat.",), ("A dog.",)], "pt_BR": [("Um gato.",), ()]}
    assert told(found) == {"captions": "en, pt_BR"}
    assert [r.kind for r in found.repairs] == ["pictures without a caption in pt_BR"]
    assert read(path, captions=("en",)).captions == {"": [("A cat.",), ("A dog.",)]}
    with pytest.raises(InputError, match="row 2, column 'pt_BR': expected a caption, found none"):
        read(path, captions=("pt_BR",))


def test_a_column_may_tell_the_language(place):
    rows = "file;lang;text\na.png;en;a cat\na.png;pt;um gato\nb.png;pt;um cão\n"
    found = read(table(place, rows))
    assert found.captions == {"en": [("a cat",), ()], "pt": [("um gato",), ("um cão",)]}
    only = read(table(place, rows), captions=("pt",))
    assert only.captions == {"pt": [("um gato",), ("um cão",)]}
    with pytest.raises(InputError, match=r"captions: .*no row has the language 'fr'"):
        read(table(place, rows), captions=("fr",))


def test_a_table_without_names_is_told_by_its_files(place):
    found = read(table(place, "a.png\tA cat.\tA cat.\nb.png\tA dog.\tUm cão.\n", "l.tsv"))
    assert found.captions == {"": [("A cat.",), ("A dog.",)]}
    assert told(found)["names of columns"] == "picture, 2, 3"
    assert read(table(place, "a.png\tx\nb.png\ty\n", "l.tsv")).names == ["a.png", "b.png"]


def test_pictures_may_lie_elsewhere_and_files_are_found_by_what_they_are(place, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    path = table(other, "x,what\na.png,a cat\n")
    with pytest.raises(InputError, match="expected a column with the file of a picture"):
        read(path)
    found = read(path, folder=str(place))
    assert told(found) == {"picture column": "x", "captions": "what"}
    with pytest.raises(InputError, match=r"folder: .*expected a folder, found none"):
        read(path, folder=str(other / "none"))


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("picture,caption\na.png,a cat\nx.png,a dog\n", "row 2, column 'picture': no file of"),
        ("picture,caption\na.png,a cat\n,a dog\n", "row 2, column 'picture': expected the file"),
        ("picture,caption\na.png,a cat\nb.png, \n", "row 2, column 'caption': expected a caption"),
        ("picture\na.png\n", "expected a column of captions beside 'picture'"),
        ("picture,caption\nlist.csv,a cat\n", "row 1: .*: no picture that can be read"),
    ],
)
def test_what_does_not_fit_is_named_by_its_row(place, rows, problem):
    path = table(place, rows)
    with pytest.raises(InputError, match=rf"{path}: {problem}"):
        read(path)


def test_a_caption_of_500_words_is_cut_and_that_is_said(place):
    long = " ".join(["cat"] * 500)
    found = read(table(place, f"picture,caption\na.png,{long}\nb.png,a dog\n"), longest=60)
    assert len(found.captions[""][0][0].split()) == 60
    (repair,) = found.repairs
    assert (repair.kind, repair.count, repair.places) == (
        "captions of more than 60 words", 1, ("a.png",),
    )  # fmt: skip


def test_a_folder_has_a_text_file_beside_each_picture(place):
    with pytest.raises(InputError, match="found none beside 3 pictures"):
        read(place)
    table(place, "A cat.\n\nOne cat.\n", "a.txt")
    table(place, "A dog.\n", "b.txt")
    found = read(place)
    assert found.captions == {"": [("A cat.", "One cat."), ("A dog.",)]}
    assert [(r.kind, r.places) for r in found.repairs] == [
        ("pictures without a caption", ("c.png",))
    ]
    table(place, "Um cão.\n", "b.pt_BR.txt")
    assert read(place, captions=("pt_BR",)).captions == {"pt_BR": [("Um cão.",)]}
    with pytest.raises(InputError, match=r"captions: .*ends in \.fr\.txt"):
        read(place, captions=("fr",))
    assert len(read(place, lone=True)) == 3


def test_pictures_alone_will_do_for_who_is_asked(place):
    for source in (place / "a.png", [place / "a.png"], table(place, "picture\na.png\n")):
        found = read(source, lone=True)
        assert len(found) == 1
        with pytest.raises(InputError, match="found pictures alone"):
            found.require_captions()


def test_frames_and_lists_are_taken_and_the_same_pictures_have_one_content(place):
    frame = pl.DataFrame({"picture": [str(place / "a.png")], "caption": ["a cat"]})
    one = read(frame)
    other = read(([place / "a.png"], ["a cat"]))
    assert one.fingerprint() == other.fingerprint()
    assert one.contents() == read([Image.new("RGB", (8, 8))]).contents()
    assert one.fingerprint() != read(([place / "a.png"], [["a cat", "cat"]])).fingerprint()
    with pytest.raises(InputError, match="captions: expected 1, one a picture, got 2"):
        read(([place / "a.png"], ["a", "b"]))
