from slot_book import Book


def book_with(*slots):
    book = Book(opens=540, closes=1020)
    for number, (start, end) in enumerate(slots):
        book.add(f"b{number}", start, end)
    return book


def test_a_day_without_bookings_is_free():
    assert book_with().free() == [(540, 1020)]


def test_gaps_are_between_the_bookings():
    assert book_with((600, 660), (700, 720)).free() == [(540, 600), (660, 700), (720, 1020)]


def test_small_gaps_do_not_count():
    assert book_with((600, 660), (670, 720)).free(at_least=30) == [(540, 600), (720, 1020)]


def test_the_last_gap_must_be_long_enough_too():
    assert book_with((540, 1000)).free(at_least=30) == []


def test_bookings_side_by_side_leave_no_gap():
    assert book_with((540, 600), (600, 1020)).free() == []
