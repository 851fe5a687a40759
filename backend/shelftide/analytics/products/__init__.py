"""What is the same thing, and what content shows it: names in two scripts, listings of one product, content's products.

Pure functions over rows; `jobs.match_products` loads and saves. A platform's own word counts most, then codes, then
text; what text alone suggests waits for a person.
"""
