"""Keys, what a file allows, and the check of one value."""

from __future__ import annotations

import numpy as np
import pytest
from update.networks import classifier, regression

from graphml.errors import UpdateError
from graphml.recipes.parameters import as_key, checked, describe
from graphml.spec import Int64Parameter
from graphml.spec.wire.data_pb2 import BoolParameter, DoubleParameter
from graphml.update import ParameterKey, parameter_descriptions


def test_scopes_nest_from_the_outside_in():
    key = ParameterKey.WEIGHTS.scoped(to="stage").scoped(to="dense")
    assert str(key) == "stage/dense/weights"
    assert key == ParameterKey("weights", ("stage", "dense"))
    assert key != ParameterKey.WEIGHTS


def test_names_map_to_keys_in_both_spellings():
    assert as_key("learning_rate") == as_key("learningRate") == ParameterKey.LEARNING_RATE
    with pytest.raises(UpdateError, match=r"no parameter 'temperature'; the names are learning_rate, .* biases"):
        as_key("temperature")


def test_a_name_that_reads_like_a_suggestion_is_no_suggestion():
    with pytest.raises(UpdateError, match=r"'did you mean'; the names are learning_rate, "):
        as_key("did you mean")


@pytest.mark.parametrize(
    ("given", "meant"),
    [("learning_rat", "learning_rate"), ("dense/weight", "dense/weights"), ("learninRate", "learning_rate")],
)
def test_a_misspelt_name_is_refused_with_the_one_that_is_close(given, meant):
    with pytest.raises(UpdateError, match=rf"^there is no parameter '{given}' \(did you mean '{meant}'\?\)$"):
        as_key(given)


def test_a_set_allows_its_members_only():
    description = describe(ParameterKey.EPOCHS, Int64Parameter(defaultValue=1, set={"values": [1, 4]}), positive=True)
    assert description.check(4) == 4
    assert description.check(np.int64(4)) == 4
    for wrong in (5, 1.0, True, "1", None):
        with pytest.raises(UpdateError, match=r"^epochs=.* is refused; allowed: \{1, 4\}$"):
            description.check(wrong)


def test_a_range_with_only_an_upper_bound_begins_at_zero():
    message = DoubleParameter(defaultValue=0.01)
    message.range.maxValue = 0.5
    description = describe(ParameterKey.LEARNING_RATE, message)
    assert (description.minimum, description.maximum) == (0, 0.5)
    assert description.check(0) == 0.0
    assert description.check(np.float32(0.5)) == 0.5
    for wrong in (-0.1, 0.6, float("nan"), True):
        with pytest.raises(UpdateError, match=r"allowed: a number from 0.0 to 0.5"):
            description.check(wrong)


def test_without_bounds_every_number_of_the_kind_is_legal():
    assert describe(ParameterKey.SEED, Int64Parameter()).check(-7) == -7
    assert describe(ParameterKey.MOMENTUM, DoubleParameter()).check(-7.5) == -7.5
    assert describe(ParameterKey.SHUFFLE, BoolParameter(defaultValue=True)).check(np.bool_(False)) is False
    with pytest.raises(UpdateError, match=r"mini_batch_size=0 is refused; allowed: an integer from 1$"):
        describe(ParameterKey.MINI_BATCH_SIZE, Int64Parameter(), positive=True).check(0)
    with pytest.raises(UpdateError, match=r"shuffle=1 is refused; allowed: True or False"):
        describe(ParameterKey.SHUFFLE, BoolParameter()).check(1)


def test_what_training_cannot_take_is_refused_whatever_the_file_allows():
    with pytest.raises(
        UpdateError, match=r"epochs=4611686018427387904 is refused; training takes no more than 2147483"
    ):
        describe(ParameterKey.EPOCHS, Int64Parameter(), positive=True).check(2**62)
    with pytest.raises(UpdateError, match=r"learning_rate=1e\+300 is refused; training takes no more than 3\.4"):
        describe(ParameterKey.LEARNING_RATE, DoubleParameter()).check(1e300)
    with pytest.raises(UpdateError, match=r"is refused; allowed: a number$"):
        describe(ParameterKey.LEARNING_RATE, DoubleParameter()).check(10**400)
    many = Int64Parameter(set={"values": range(1, 1001)})
    with pytest.raises(UpdateError, match=r"epochs=1001 is refused; allowed: \{1, 2, .* 20, \.\.\.\}"):
        describe(ParameterKey.EPOCHS, many, positive=True).check(1001)
    sizes = Int64Parameter(defaultValue=4, set={"values": [-1, 0, 4]})
    with pytest.raises(UpdateError, match=r"mini_batch_size=0 is refused; allowed: \{4\}"):
        describe(ParameterKey.MINI_BATCH_SIZE, sizes, positive=True).check(0)


def test_everything_refused_is_listed_at_once():
    descriptions = parameter_descriptions(regression().spec)
    with pytest.raises(UpdateError) as caught:
        checked({"epochs": 0, "learning_rate": -1, "beta1": 0.5, "seed": 3}, descriptions)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "epochs=0 is refused; allowed: an integer from 1 to 1000" in lines
    legal = "learning_rate, momentum, mini_batch_size, epochs, shuffle, seed"
    assert f"this model has no parameter beta1; it has {legal}" in lines


def test_descriptions_hold_the_defaults_of_the_file():
    found = {str(key): d.default for key, d in parameter_descriptions(classifier(adam=True).spec).items()}
    assert found == {
        **{"learning_rate": 0.05, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "mini_batch_size": 4},
        **{"epochs": 3, "shuffle": False, "seed": 0},
    }


def test_a_misspelt_name_is_refused_with_the_parameters_of_the_model():
    with pytest.raises(
        UpdateError, match=r"'learnin_rate' \(did you mean 'learning_rate'\?\); this model has learning_rate, "
    ):
        checked({"learnin_rate": 0.1}, parameter_descriptions(regression().spec))
