"""What is printed is text: nothing in it becomes markup or a formula."""

from services.medication.printing import csv_of, html_of


def test_a_cell_that_a_spreadsheet_would_calculate_is_quoted_and_an_amount_is_not() -> None:
    assert csv_of(("a", "b"), [("=1+1", "-10.5"), ("@x", "-")]) == b"a,b\r\n'=1+1,-10.5\r\n'@x,'-\r\n"


def test_nothing_in_a_page_is_markup() -> None:
    page = html_of("<b>", "a & b", ("<i>",), [("<script>", "-3")]).decode()

    assert "<script>" not in page
    assert "&lt;b&gt;" in page
    assert '<td class="n">-3</td>' in page
