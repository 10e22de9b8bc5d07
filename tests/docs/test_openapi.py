"""The document that an endpoint gives of itself is OpenAPI 3.1, whatever its signature."""

import openapi_spec_validator
import pytest

from tests.unit import test_models_openapi as models


@pytest.mark.parametrize(
    "made", [models.FLIGHT, models.NUMBERS, models.IMAGES, models.PAIR], ids=["mixed", "numbers", "tensor", "tensors"]
)
def test_the_document_is_openapi(made):
    openapi_spec_validator.validate(models.document(made))
