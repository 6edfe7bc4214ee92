"""Networks that mo-calibrate and NNCF quantized: on samples, at most one in a hundred has another best class in mo-run's
engine than in OpenVINO on the same IR, and the answers are as near as sums of floats in another order make them: levels are
worked out in OpenVINO's order of operations."""
import ctypes, logging
from common import *
import openvino as ov

LIB = ctypes.CDLL(BUILD + '/libmo.so')
F32 = 1


class Tensor(ctypes.Structure):
    _fields_ = [('type', ctypes.c_int), ('rank', ctypes.c_int), ('dim', ctypes.c_int64 * 16), ('data', ctypes.c_void_p)]


LIB.mo_error.restype = ctypes.c_char_p


def good(status):
    if status:
        raise RuntimeError(LIB.mo_error().decode())


def ours(xml, samples):
    """What the library answers, a row for each sample."""
    model, request, rows = ctypes.c_void_p(), ctypes.c_void_p(), []
    good(LIB.mo_model_load(xml.encode(), ctypes.byref(model)))
    good(LIB.mo_request_new(model, 1, ctypes.byref(request)))
    for x in samples:
        x = np.ascontiguousarray(x[None])
        tin, tout = Tensor(F32, x.ndim, (ctypes.c_int64 * 16)(*x.shape), x.ctypes.data), Tensor()
        good(LIB.mo_request_run(request, ctypes.byref(tin), ctypes.byref(tout)))
        n = int(np.prod(tout.dim[:tout.rank]))
        rows.append(np.ctypeslib.as_array(ctypes.cast(tout.data, ctypes.POINTER(ctypes.c_float)), (n,)).copy())
    LIB.mo_request_free(request)
    LIB.mo_model_free(model)
    return np.stack(rows)


def peers(xml, samples):
    model = ov.Core().compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    return np.stack([np.asarray(model([np.ascontiguousarray(x[None])])[0]).reshape(-1) for x in samples])


def compare(name, xml, samples, near):
    """near: how far the answers may be apart, as a share of their norm."""
    mine, theirs = ours(xml, samples), peers(xml, samples)
    changed = float((mine.argmax(1) != theirs.argmax(1)).mean())
    apart = float(np.linalg.norm(mine - theirs) / np.linalg.norm(theirs))
    check(f'{name} agrees with OpenVINO', changed <= 0.01 and apart <= near,
          f'{100 * changed:.2f} % of {len(samples)} changed, {apart:.4f} apart')


def calibrated(name, onnx, calibration, samples, near):
    rc, _, err = run('mo-calibrate', '-q', onnx, '--data', calibration, '--samples', '300', '--output-dir', WORK,
                     '--model-name', name)
    if check(f'{name} is calibrated', not rc, err.strip()[:300]):
        compare(name, f'{WORK}/{name}.xml', samples, near)


def by_nncf(name, onnx, calibration, count, samples, near):
    """NNCF gives depthwise filters a range for each column, and OpenVINO sums floats there; with its preset
    performance ranges are symmetric, and OpenVINO's levels signed."""
    try:
        import nncf
    except ImportError:
        skip(f'{name} by NNCF', 'there is no NNCF here')
        return
    nncf.set_log_level(logging.ERROR)
    rows = np.load(calibration, mmap_mode='r')[:count].astype(np.float32)
    for preset in (nncf.QuantizationPreset.MIXED, nncf.QuantizationPreset.PERFORMANCE):
        model = nncf.quantize(ov.Core().read_model(onnx), nncf.Dataset([x[None] for x in rows]), subset_size=count,
                              preset=preset)
        ov.save_model(model, f'{WORK}/{name}.nncf.xml', compress_to_fp16=False)
        compare(f'{name} by NNCF, {preset.value},', f'{WORK}/{name}.nncf.xml', samples, near)


images = lambda name: (np.load(f'{GLYPHS}/{name}.npy').transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 127.5
np.save(f'{WORK}/calib.npy', images('calib_images'))
calibrated('glyphs', f'{GLYPHS}/glyphs.onnx', f'{WORK}/calib.npy', images('test_images')[:500], 0.003)
by_nncf('glyphs', f'{GLYPHS}/glyphs.onnx', f'{WORK}/calib.npy', 32, images('test_images')[:500], 0.001)
C = corpus()
if C:
    data = lambda name, n: np.load(f'{C}/data/{name}.npy', mmap_mode='r')[:n].astype(np.float32)
    for name, arrays, n in (('cifar10_resnet20', 'cifar_{}', 1000), ('mlperf_resnet8_cifar10', 'cifar_{}_raw', 1000),
                            ('mobilenet_v1_0.25_224', 'imagenet_{}', 200), ('mobilenet_v2_1.0_224_bn', 'imagenet_{}', 200)):
        arrays = [arrays.format(k) for k in ('calib', 'test')]
        onnx, calibration, samples = f'{C}/models/{name}.onnx', f'{C}/data/{arrays[0]}.npy', data(arrays[1], n)
        calibrated(name, onnx, calibration, samples, 0.005)
        if HEAVY:
            by_nncf(name, onnx, calibration, 100, samples, 0.0005)
else:
    skip('trained networks', 'no shared networks here')
done()
