"""Writes a GGUF file's weights out in f32: the same model, without a kernel that rounds.

usage: dequantise.py MODEL.gguf OUTPUT.gguf
"""

import sys

import numpy
from gguf import GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType, dequantize


def main(source: str, target: str) -> None:
    reader = GGUFReader(source)
    architecture = reader.get_field("general.architecture").contents()
    writer = GGUFWriter(target, architecture, endianess=reader.endianess)
    for field in reader.fields.values():
        # The writer makes these itself.
        if field.name == "general.architecture" or field.name.startswith("GGUF."):
            continue
        if field.name == "general.file_type":
            writer.add_file_type(LlamaFileType.ALL_F32)
            continue
        kind = field.types[0]
        items = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=items)
    # A reader's shapes begin with the column count, a writer's end with it.
    shapes = [[int(length) for length in reversed(tensor.shape)] for tensor in reader.tensors]
    for tensor, shape in zip(reader.tensors, shapes):
        bytes_in_f32 = 4 * int(tensor.n_elements)
        writer.add_tensor_info(tensor.name, shape, numpy.dtype(numpy.float32), bytes_in_f32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    # One at a time: all of them would not fit into memory.
    for tensor, shape in zip(reader.tensors, shapes):
        weights = dequantize(tensor.data, tensor.tensor_type).reshape(shape)
        writer.write_tensor_data(numpy.ascontiguousarray(weights, dtype=numpy.float32))
    writer.close()


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(sys.argv[1], sys.argv[2])
