"""What is known, drawn for people: pictures and pages that stand on their own, in one file, without anything from outside.

- `course`: a release as columns: who serves whom, what is sent besides, what is up, what each stage is left on; no drawing
- `leaving`: what a stage is left on, in words
- `picture`: a course as SVG: inline or a file, light and dark, the same bytes for the same course
- `account`: what a report tells of an endpoint, as one plain value; `document`: the same as one HTML file
- `charts`: what is drawn in a report, over time and of values; `following`: what its reader should look at next
- `colours`: the style of pictures; `markup`: the templates of pages, the release page's too
- `drawing`: the elements of SVG, numbers and text as it writes them

Called by the control API's page, and by the documentation, whose pictures of strategies are drawn by it and held current by a
test. Everything here is pure: values in, text out; no file but a template is read, no clock is, no colour depends on the
machine.

Deliberately not here: deciding what a strategy is (`core.decide.strategies`), the page around a picture (`interface.api`), what
an account is made from (`interface.api.accounts`), monitors, and any library for drawing: it is a few rectangles and words.
"""
