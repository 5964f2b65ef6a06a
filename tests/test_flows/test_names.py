"""A flow that is loaded by its path puts the folder ``flows`` first on the path of imports."""

import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import flows


def test_no_module_of_the_flows_stands_before_another_that_is_imported_by_its_name() -> None:
    here = {path.stem for path in Path(flows.__file__).parent.iterdir() if not path.name.startswith("__")}
    assert not here & (set(sys.stdlib_module_names) | set(packages_distributions()))
