"""The people of these tests: made once, for most of them only ask."""

import pytest

from tests.stack import Stack, Visitor


@pytest.fixture(scope="package")
def ana(stack: Stack) -> Visitor:
    """Somebody with a bank and money."""
    return stack.person(money=3000, bank=True, name="Ana Contract")


@pytest.fixture(scope="package")
def ben(stack: Stack) -> Visitor:
    """Somebody else."""
    return stack.person(name="Ben Contract")
