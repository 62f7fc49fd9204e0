"""Whatever happens to orders, purchasing counts as books do that are kept beside it."""

from tests.properties.buying_sequences import BILLING, BUYING, agrees

test_whatever_is_ordered_changed_and_cancelled_the_figures_agree_with_the_books = agrees(
    BUYING, examples=2600
)
test_whatever_is_billed_and_credited_the_figures_agree_with_the_books = agrees(BILLING, examples=2500)
