"""Networks with state: IR that OpenVINO writes runs here, and what we write of it keeps its state there."""
from common import *
import openvino as ov, openvino.opset1 as o1, openvino.opset6 as o6
from openvino.op.util import Variable, VariableInfo

core = ov.Core()
for name, shape in ('fixed', [1, 3]), ('of any size', [-1, 3]):
    info = VariableInfo()
    info.data_shape, info.data_type, info.variable_id = ov.PartialShape(shape), ov.Type.f32, 'sum'
    v = Variable(info)
    x = o1.parameter(ov.PartialShape([1, 3]), np.float32, name='x')
    total = o1.add(o6.read_value(o1.constant(np.full((1, 3), 5, np.float32)), v), x)
    path = f'{WORK}/state.xml'
    ov.serialize(ov.Model([o1.result(total)], [o6.assign(total, v)], [x], 'm'), path)
    out = infer(path, {'x': np.ones((1, 3), np.float32)})
    if out:
        check(f'{name}: mo-run', np.array_equal(out[0], [[6, 6, 6]]), str(out[0]))
    ours = convert(path, 'ours')
    if ours:
        q = core.compile_model(ours, 'CPU').create_infer_request()
        got = [float(q.infer([np.ones((1, 3), np.float32)])[0][0, 0]) for _ in range(3)]
        check(f'{name}: OpenVINO on our IR', got == [6, 7, 8], str(got))
done()
