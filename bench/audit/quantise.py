"""Writes a model anew with fewer bits, as llama.cpp does: quantise.py LIBRARY_FOLDER FROM.gguf TO.gguf TYPE

llama.cpp's own function does it, from the libraries that node-llama-cpp ships; no other program is needed.
"""

import ctypes
import pathlib
import sys

# llama.h's enum llama_ftype.
TYPES = {"Q2_K": 10, "Q3_K_S": 11, "Q3_K_M": 12, "Q4_0": 2, "Q8_0": 7}


class Parameters(ctypes.Structure):
    """The beginning of llama_model_quantize_params; the rest stays as the library fills it in."""

    _fields_ = [
        ("threads", ctypes.c_int32),
        ("file_type", ctypes.c_int32),
        ("output_tensor_type", ctypes.c_int32),
        ("token_embedding_type", ctypes.c_int32),
        ("allow_requantize", ctypes.c_bool),
        ("rest", ctypes.c_byte * 239),
    ]


def main() -> int:
    folder, source, target, name = sys.argv[1:]
    library = ctypes.CDLL(str(next(pathlib.Path(folder).glob("libllama.*so*"))))
    library.llama_model_quantize_default_params.restype = Parameters
    library.llama_model_quantize.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(Parameters)]
    library.llama_model_quantize.restype = ctypes.c_uint32
    library.llama_backend_init()
    parameters = library.llama_model_quantize_default_params()
    parameters.threads = 2
    parameters.file_type = TYPES[name]
    # From what is quantised already: a fraud has no other weights either.
    parameters.allow_requantize = True
    return library.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(parameters))


if __name__ == "__main__":
    sys.exit(main())
