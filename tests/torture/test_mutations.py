"""Every deliberate fault can still be made, so that `make mutations` finds none out of date."""

from mutations import MUTATIONS
from promises import nodes


def test_every_fault_has_its_place_in_the_program_and_its_test():
    assert [mutation.promise for mutation in MUTATIONS if mutation.file() is None] == []
    assert nodes({mutation.test for mutation in MUTATIONS})
