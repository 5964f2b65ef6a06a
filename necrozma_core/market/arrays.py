"""The kinds of arrays that signatures name."""

import numpy as np
from numpy.typing import NDArray

Int8Array = NDArray[np.int8]

Int32Array = NDArray[np.int32]

Int64Array = NDArray[np.int64]

FloatArray = NDArray[np.float64]

BoolArray = NDArray[np.bool_]
