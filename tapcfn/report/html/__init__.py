"""One run as a page of HTML that needs nothing but itself."""

from tapcfn.report.html.page import html

__all__ = ["html"]
