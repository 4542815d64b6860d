"""Configuration of the documentation site. The package is installed, not found by a path."""

from __future__ import annotations

import os
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from sphinx.application import Sphinx

import diffcert

# Before numpy is loaded: the matrices here are small, and its threads only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

project = "diffcert"
author = "The diffcert developers"
copyright = author
version = release = diffcert.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.doctest", "myst_nb", "diffcert.sphinx"]
local_extensions = ["claims", "docstrings", "pictures", "proofs", "speed", "tables"]

root_doc = "index"
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
default_role = "code"
smartquotes = False
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(flint|np|numpy|sp|sympy|mpmath|npt|matplotlib|collections|fractions)\..*"),
    (r"py:.*", r"(optional|shape.*|Ellipsis|Any|Figure|Fraction|Callable|Iterable|Mapping|Sequence)"),
]

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
doctest_test_doctest_blocks = "default"
doctest_global_setup = "import diffcert"

nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_mime_priority_overrides = [("*", "text/latex", 5)]

html_theme = "furo"
html_title = "diffcert"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["copy.js"]
html_math_renderer = "cert"
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_theme_options = {"navigation_with_keys": True}
latex_elements = {
    "papersize": "a4paper",
    "sphinxsetup": "hmargin={2cm,2cm}, verbatimforcewraps=true",
}


def setup(app: Sphinx) -> None:
    """Load the extensions that live beside this file."""
    for name in local_extensions:
        place = Path(__file__).parent / "extensions" / f"{name}.py"
        spec = spec_from_file_location(f"diffcert_site_{name}", place)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"the extension {place} cannot be loaded")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        module.setup(app)
