import numpy as np
import pytest
import scipy.sparse as sparse

from kinfold.kernels.sparse import product


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (40, 25), (200, 7)])
@pytest.mark.parametrize("threads", [1, 3])
def test_is_the_dense_product(shape, threads):
    matrix = sparse.random_array(shape, density=0.2, format="csr", dtype=np.float32, rng=np.random.default_rng(0))
    dense = np.random.default_rng(1).normal(size=(shape[1], 9)).astype("f4")
    made = product(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data, dense, threads)
    np.testing.assert_allclose(made, matrix.toarray() @ dense, rtol=1e-4, atol=1e-5)
