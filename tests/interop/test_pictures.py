"""Pictures of every kind, resized and cropped as the Python imaging library does it: bit for bit where it is a PNG.

What mo-run feeds a network comes back through one whose scores are its input, at most 1000 of them."""
import json
import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image
from common import *

SIDE = 18  # 18 * 18 * 3 scores
rng = np.random.default_rng(6)


def scene(h, w, channels):
    """Waves, edges and noise, so that every filter weight shows."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    planes = [127 + 90 * np.sin(x / (3 + k)) * np.cos(y / (4 + k)) + 60 * ((x // 7 + y // 5) % 2) - 30 for k in range(channels)]
    noise = rng.normal(0, 12, (h, w, channels))
    return np.clip(np.stack(planes, -1) + noise, 0, 255).astype(np.uint8)


def network(h, w):
    path = f'{WORK}/id{h}x{w}.onnx'
    n = helper.make_node('Reshape', ['x', 's'], ['y'])
    g = helper.make_graph([n], 'g', [helper.make_tensor_value_info('x', TensorProto.FLOAT, [1, 3, h, w])],
                          [helper.make_tensor_value_info('y', TensorProto.FLOAT, [1, 3 * h * w])],
                          [helper.make_tensor('s', TensorProto.INT64, [2], [1, 3 * h * w])])
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid('', 17)], ir_version=8), path)
    return path


def ours(picture, preprocess, h, w):
    rc, out, err = run('mo-run', network(h, w), '--classify', picture, '--top', 1000, '--preprocess', preprocess, '--json', '-')
    if rc:
        check(f'{picture} {preprocess}', False, err.strip())
        return None
    got = np.zeros(3 * h * w)
    for e in json.loads(out)[0]['best']:
        got[e['class']] = e['score']
    return got.reshape(3, h, w).transpose(1, 2, 0)


def shorter(im, side, method):
    w, h = im.size
    return im.resize((side, int(side * h / w)) if w <= h else (int(side * w / h), side), method)


def centre(im, w, h):
    left, top = int(round((im.size[0] - w) / 2)), int(round((im.size[1] - h) / 2))
    return im.crop((left, top, left + w, top + h))


def compare(name, path, preprocess, want, most=0):
    h, w = want.size[1], want.size[0]
    got = ours(path, preprocess, h, w)
    if got is None:
        return
    d = np.abs(got - np.asarray(want, np.float64))
    check(name, d.max() <= most, f'at most {d.max():g} levels off, {100 * (d > 0).mean():.2f} % of values')


FILTERS = {'bilinear': Image.BILINEAR, 'bicubic': Image.BICUBIC}


def resizing():
    for h, w in ((61, 97), (97, 61), (18, 18), (13, 9), (480, 333), (5, 300)):
        path = f'{WORK}/s{h}x{w}.png'
        im = Image.fromarray(scene(h, w, 3))
        im.save(path)
        for word, method in FILTERS.items():
            compare(f'{h}x{w} {word} to {SIDE}x{SIDE}', path, f'resize={SIDE}x{SIDE},filter={word}', im.resize((SIDE, SIDE), method))
            compare(f'{h}x{w} {word} to 30x11', path, f'resize=30x11,filter={word}', im.resize((30, 11), method))
            for side in (18, 23, 40):
                compare(f'{h}x{w} {word} shorter {side}, crop', path, f'resize={side},filter={word},crop={SIDE}',
                        centre(shorter(im, side, method), SIDE, SIDE))
    im = Image.open(f'{WORK}/s61x97.png')
    compare('crop alone, odd margins', f'{WORK}/s61x97.png', 'crop=20x14', centre(im, 20, 14))


def kinds():
    """As Image.open(path).convert('RGB') gives them."""
    def save(name, im, **how):
        path = f'{WORK}/{name}'
        im.save(path, **how)
        compare(name, path, f'crop={SIDE}', centre(Image.open(path).convert('RGB'), SIDE, SIDE), most=name.endswith('.jpg'))
    rgb, grey, four = scene(40, 50, 3), scene(40, 50, 1)[:, :, 0], scene(40, 50, 4)
    save('grey.png', Image.fromarray(grey))
    save('one_bit.png', Image.fromarray(grey).convert('1'))
    save('palette.png', Image.fromarray(rgb).quantize(37))
    save('alpha.png', Image.fromarray(four))
    save('grey_alpha.png', Image.fromarray(four).convert('LA'))
    save('transparent_palette.png', Image.fromarray(rgb).quantize(16), transparency=3)
    save('grey.jpg', Image.fromarray(grey), quality=90)
    for sub in (0, 1, 2):
        save(f'colour{sub}.jpg', Image.fromarray(rgb), quality=85, subsampling=sub)
    save('progressive.jpg', Image.fromarray(rgb), quality=80, progressive=True)
    save('cmyk.jpg', Image.frombytes('CMYK', (50, 40), four.tobytes()), quality=95)
    turned = Image.Exif()
    turned[0x0112] = 6  # the orientation is not applied
    save('exif.jpg', Image.fromarray(rgb), quality=90, exif=turned)


def sixteen_bits():
    """The high byte, which is what a viewer shows; the library clips grey ones instead."""
    wide = (scene(SIDE, SIDE, 1)[:, :, 0].astype(np.uint16) << 8) + 200
    path = f'{WORK}/wide.png'
    Image.fromarray(wide).save(path)
    want = Image.fromarray((wide >> 8).astype(np.uint8)).convert('RGB')
    compare('16 bits', path, 'mean=0', want)


def order():
    """Mean and scale for each channel in the network's order, and blue first."""
    rgb = scene(SIDE, SIDE, 3)
    path = f'{WORK}/order.png'
    Image.fromarray(rgb).save(path)
    mean, scale = np.array([1, 20, 300.5]), np.array([2, 0.5, 58.4])
    for word, data in (('rgb', rgb), ('bgr', rgb[:, :, ::-1])):
        got = ours(path, f'mean=1:20:300.5,scale=2:0.5:58.4,order={word}', SIDE, SIDE)
        if got is not None:
            check(f'order {word}', np.allclose(got, (data - mean) / scale, rtol=1e-5, atol=1e-4))


resizing()
kinds()
sixteen_bits()
order()
done()
