import pytest

from slot_book import Book, Clash


@pytest.fixture
def book():
    book = Book(opens=540, closes=1020)
    book.add("review", 600, 660)
    return book


@pytest.mark.parametrize(
    "start, end",
    [(590, 610), (610, 640), (650, 700), (600, 660), (560, 700)],
    ids=["before", "within", "after", "same", "around"],
)
def test_an_overlap_clashes(book, start, end):
    with pytest.raises(Clash, match="review"):
        book.add("other", start, end)
    assert book.names() == ["review"]


def test_a_booking_may_begin_where_another_ends(book):
    book.add("next", 660, 690)
    assert book.names() == ["review", "next"]


def test_a_booking_may_end_where_another_begins(book):
    book.add("before", 540, 600)
    assert book.names() == ["before", "review"]


@pytest.mark.parametrize("start, end", [(500, 560), (1000, 1021)])
def test_the_room_is_closed_outside_of_its_hours(book, start, end):
    with pytest.raises(Clash, match="closed"):
        book.add("early bird", start, end)


def test_a_booking_has_a_length(book):
    with pytest.raises(ValueError):
        book.add("nothing", 700, 700)


def test_a_canceled_slot_can_be_booked_again(book):
    book.cancel("review")
    book.add("other", 610, 620)
    assert book.names() == ["other"]
    with pytest.raises(KeyError):
        book.cancel("review")
