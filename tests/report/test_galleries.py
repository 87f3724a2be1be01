"""The images that a report shows are the ones it says they are."""

import base64
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from bakeoff.report.answers import TestAnswers, collect
from bakeoff.report.galleries import agreement, disputed, hopeless, majority, mistakes, model_galleries, successes
from bakeoff.report.tiles import LARGEST_SIDE, tile
from bakeoff.study.answers import Answers


def answers(predicted: list[list[int]], confidence: list[list[float]]) -> Answers:
    sure = np.array(confidence, np.float32)
    return Answers(np.array(predicted, np.int32), sure, -np.log(sure), sure)


def test_mistakes_are_ordered_by_how_sure_the_runs_were_of_them():
    labels = np.array([0, 0, 0, 0])
    given = answers([[1, 1, 0, 1], [1, 0, 0, 1]], [[0.6, 0.9, 1.0, 0.9], [0.6, 0.9, 1.0, 0.8]])
    assert mistakes(given, labels, 9).tolist() == [3, 0, 1]
    assert successes(given, labels, 9).tolist() == [2]


def test_models_dispute_where_the_fewest_agree():
    said = np.array([[0, 1, 2, 3], [0, 1, 2, 4], [0, 2, 1, 5]])
    sure = np.array([[1, 0.5, 0.9, 0.1]] * 3)
    assert disputed(said, sure, 9).tolist() == [3, 2, 1]
    assert disputed(said[:1], sure[:1], 9).tolist() == []


def test_the_majority_of_runs_speaks_for_a_model_and_the_first_of_them_where_they_tie():
    assert majority(np.array([[1, 2], [0, 2], [0, 3]])).tolist() == [0, 2]
    assert majority(np.array([[1, 2], [0, 3]])).tolist() == [1, 2]


def test_hopeless_images_are_wrong_in_every_run_of_every_model():
    of = {0: answers([[1, 1, 0], [1, 0, 0]], [[0.5] * 3] * 2), 1: answers([[1, 1, 1]], [[0.9] * 3])}
    test = TestAnswers(np.arange(3), np.zeros(3, int), of, ())
    assert hopeless(test, 9).tolist() == [0]
    assert agreement(test) == (
        "Of 3 test images, all 3 answers are right on 0 and wrong on 1; on the other 2 some are right and some wrong."
    )


def test_pictures_say_what_the_run_that_was_surest_predicted(build):
    subject = build("abc", models=["only"], seeds=2, per_class=50)
    test = collect(subject)
    wrong, right = model_galleries(test.of[0], test, subject.images)
    position = mistakes(test.of[0], test.labels, 1)[0]
    picture = wrong.pictures[0]
    assert picture.actual == subject.class_names[test.labels[position]]
    assert not picture.opinions[0].right
    assert picture.opinions[0].name != picture.actual
    assert all(opinion.right for shown in right.pictures for opinion in shown.opinions)
    pixels = np.asarray(decoded(picture.tile.uri))
    assert (pixels == subject.images.images[test.indices[position], ..., 0]).all()


def test_logits_that_are_not_finite_make_no_confidence(build):
    subject = build("abc", models=["only"], seeds=1)
    broken = subject.predictions(subject.records[0], "test")
    broken.logits[0] = np.nan
    assert collect(replace(subject, predictions=lambda record, part: broken)).of[0].confidence[0, 0] == 0


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 20, 3), (300, 200, 3), (4, 400, 1)])
def test_tiles_keep_their_shape_and_small_ones_every_pixel(shape):
    image = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    made = tile(image)
    picture = decoded(made.uri)
    assert picture.size == (made.width, made.height)
    assert max(picture.size) <= LARGEST_SIDE
    if made.is_small:
        assert (np.asarray(picture).reshape(shape) == image).all()
    else:
        assert made.height / made.width == pytest.approx(shape[0] / shape[1], rel=0.05)


def decoded(uri: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(uri.partition(",")[2])))
