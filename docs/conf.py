"""How Sphinx builds the site; `docs/build_site.py` calls it."""

import re
import warnings

from sphinx.application import Sphinx

project = "Decoupled Style Transfer"
copyright = "the contributors"
html_title = project

extensions = [
    "myst_parser",  # the pages are Markdown, readable on their own
    "sphinx.ext.autodoc",  # the reference is the docstrings
    "sphinx.ext.napoleon",  # which are numpydoc's
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",  # runs the tutorial and keeps its pictures
]
warnings.filterwarnings("ignore", message=".*torch.jit.script")  # torch's own, on the first use of its jvp

html_theme = "furo"
html_show_sourcelink = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4  # links to headings, as on GitHub; broken ones are errors
default_role = "code"  # single backticks in docstrings name code

autodoc_typehints = "none"  # the docstrings say it in words
autodoc_member_order = "bysource"
napoleon_use_rtype = False
napoleon_use_ivar = True

sphinx_gallery_conf = {
    "examples_dirs": "tutorial",
    "gallery_dirs": "tutorials",
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e9,
    "abort_on_example_error": True,
    "image_scrapers": ("matplotlib",),
}
suppress_warnings = ["config.cache"]
exclude_patterns = ["tutorial/*", "tutorials/index.rst", "sg_execution_times.rst", "tutorials/sg_execution_times.rst"]


def setup(app: Sphinx) -> None:
    """Leave out links to files that are not part of the site, such as the licence; their words stay."""
    app.connect("source-read", _without_links_outside)


def _without_links_outside(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = re.sub(r"\[([^\]]*)\]\(\.\./[^)]*\)", r"\1", source[0])
