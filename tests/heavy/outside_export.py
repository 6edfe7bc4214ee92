"""Writes one network of torchvision or transformers as PyTorch's exporters write it, with inputs of two sizes beside it.
usage: outside_export.py --list | NAME DIR"""
import sys

SMALL = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128)
TEXT, SPEECH = dict(SMALL, vocab_size=100), dict(SMALL, vocab_size=40, conv_dim=(32,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4)
PICTURE = dict(SMALL, image_size=64, patch_size=8)
GPT = dict(n_embd=64, n_layer=2, n_head=4, vocab_size=100)
# name: size of the picture
VISION = dict(shufflenet_v2_x1_0=224, efficientnet_b0=224, densenet121=224, mobilenet_v3_small=224, regnet_y_400mf=224, mnasnet0_5=224,
              convnext_tiny=224, inception_v3=299, swin_t=224, swin_v2_t=224, maxvit_t=224, resnext50_32x4d=224)
SEGMENTATION = ('deeplabv3_mobilenet_v3_large', 'fcn_resnet50', 'lraspp_mobilenet_v3_large')
DETECTION = ('ssdlite320_mobilenet_v3_large', 'fasterrcnn_mobilenet_v3_large_320_fpn', 'retinanet_resnet50_fpn')
# model, configuration, its values, input, output
TRANSFORMERS = {
    'bert': ('BertModel', 'BertConfig', TEXT, 'text', 'last_hidden_state'),
    'distilbert': ('DistilBertModel', 'DistilBertConfig', dict(dim=64, n_layers=2, n_heads=4, hidden_dim=128, vocab_size=100), 'text', 'last_hidden_state'),
    'roberta': ('RobertaModel', 'RobertaConfig', TEXT, 'text', 'last_hidden_state'),
    'gpt2': ('GPT2LMHeadModel', 'GPT2Config', GPT, 'text', 'logits'),
    'llama': ('LlamaForCausalLM', 'LlamaConfig', dict(TEXT, num_key_value_heads=2), 'text', 'logits'),
    'opt': ('OPTForCausalLM', 'OPTConfig', dict(vocab_size=100, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, ffn_dim=128,
                                              word_embed_proj_dim=64), 'text', 'logits'),
    'vit': ('ViTModel', 'ViTConfig', PICTURE, 'picture', 'last_hidden_state'),
    'beit': ('BeitModel', 'BeitConfig', dict(PICTURE, use_relative_position_bias=True), 'picture', 'last_hidden_state'),
    'segformer': ('SegformerForSemanticSegmentation', 'SegformerConfig', dict(depths=[1] * 4, hidden_sizes=[16, 32, 64, 96], decoder_hidden_size=64,
                                                                            num_labels=5), 'picture', 'logits'),
    'wav2vec2': ('Wav2Vec2ForCTC', 'Wav2Vec2Config', SPEECH, 'speech', 'logits'),
    'hubert': ('HubertModel', 'HubertConfig', dict(SPEECH, feat_extract_norm='layer', do_stable_layer_norm=True), 'speech', 'last_hidden_state'),
}
if sys.argv[1] == '--list':
    print(*VISION, *SEGMENTATION, *DETECTION, *TRANSFORMERS, 'speech_gru', 'speech_lstm')
    sys.exit()

import numpy as np, torch, torch.nn as nn


def lived_in(model):
    """Statistics and scales as after some training, from a fixed seed."""
    g = torch.Generator().manual_seed(5)
    for m in model.modules():
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
            m.running_mean.copy_(torch.randn(m.running_mean.shape, generator=g) * .1)
            m.running_var.copy_(torch.rand(m.running_var.shape, generator=g) * .5 + .75)
            m.weight.data.copy_(torch.rand(m.weight.shape, generator=g) * .5 + .75)
            m.bias.data.copy_(torch.randn(m.bias.shape, generator=g) * .1)
    return model.eval()


class One(nn.Module):
    """A network whose inputs go by name and of whose outputs one counts."""

    def __init__(self, model, names, output):
        super().__init__()
        self.model, self.names, self.output = model, names, output

    def forward(self, *x):
        return self.model(**dict(zip(self.names, x)))[self.output]


class Speech(nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.front = nn.Sequential(nn.Conv2d(1, 8, 11, 2, 5), nn.BatchNorm2d(8), nn.Hardtanh(0, 20),
                                   nn.Conv2d(8, 8, 11, (2, 1), 5), nn.BatchNorm2d(8), nn.Hardtanh(0, 20))
        self.cells, self.norm, self.last = cell(160, 48, 2, bidirectional=True, batch_first=True), nn.BatchNorm1d(96), nn.Linear(96, 29)

    def forward(self, x):
        x = self.front(x)
        b, c, f, t = x.shape
        x = self.cells(x.view(b, c * f, t).transpose(1, 2))[0]
        return self.last(self.norm(x.transpose(1, 2)).transpose(1, 2)).log_softmax(-1)


def make(name):
    """The model, inputs of several sizes, their names and which dims may change."""
    r = torch.rand
    if name in VISION:
        import torchvision.models as m
        n = VISION[name]
        return lived_in(getattr(m, name)(weights=None)), [(r(b, 3, n, n),) for b in (1, 2)], ['x'], [{0: 'b'}]
    if name in SEGMENTATION:
        import torchvision.models.segmentation as m
        net = lived_in(getattr(m, name)(weights=None, weights_backbone=None, num_classes=8))
        return One(net, ['input'] if name[0] == 'l' else ['x'], 'out').eval(), [(r(1, 3, 128, 128),), (r(2, 3, 160, 96),)], ['x'], [{0: 'b', 2: 'h', 3: 'w'}]
    if name in DETECTION:
        import torchvision.models.detection as m
        size = {} if 'ssd' in name else dict(min_size=160, max_size=160)
        return lived_in(getattr(m, name)(weights=None, weights_backbone=None, num_classes=6, **size)), [([r(3, 160, 160)],)], ['x'], None
    if name.startswith('speech'):
        cell = nn.GRU if name.endswith('gru') else nn.LSTM
        return lived_in(Speech(cell)), [(r(1, 1, 80, 60),), (r(3, 1, 80, 93),)], ['x'], [{0: 'b', 3: 't'}]
    import transformers as t
    model, config, values, kind, output = TRANSFORMERS[name]
    net = lived_in(getattr(t, model)(getattr(t, config)(**values, attn_implementation='eager')))
    net.config.use_cache = False
    if kind == 'text':
        mask = torch.tensor([[1] * 9, [1] * 5 + [0] * 4])
        feeds, names = [(torch.randint(2, 90, (1, 16)), torch.ones(1, 16, dtype=torch.long)), (torch.randint(2, 90, (2, 9)), mask)], ['input_ids', 'attention_mask']
        return One(net, names, output).eval(), feeds, names, [{0: 'b', 1: 's'}] * 2
    if kind == 'picture':
        return One(net, ['pixel_values'], output).eval(), [(r(1, 3, 64, 64),), (r(3, 3, 64, 64),)], ['pixel_values'], [{0: 'b'}]
    return One(net, ['input_values'], output).eval(), [(r(1, 4000) - .5,), (r(2, 5200) - .5,)], ['input_values'], [{0: 'b', 1: 't'}]


def array(x):
    return (x[0] if isinstance(x, list) else x).numpy()


name, folder, made = sys.argv[1], sys.argv[2], 0
for opset, dynamo in ((11, False), (17, False), (18, True)):
    torch.manual_seed(3)
    net, feeds, names, moving = make(name)
    path = f'{folder}/{name}_{"dynamo" if dynamo else "script"}{opset}'
    try:
        with torch.no_grad():
            if dynamo:  # the larger feed: this exporter takes a size of 1 for a constant
                dims = tuple({k: torch.export.Dim.DYNAMIC for k in d} for d in moving) if moving else None
                torch.onnx.export(net, feeds[-1], path + '.onnx', input_names=names, opset_version=opset, dynamo=True, external_data=False,
                                  dynamic_shapes=(dims,) if dims and isinstance(net, One) else dims, verbose=False)
            else:
                torch.onnx.export(net, feeds[0], path + '.onnx', input_names=names, opset_version=opset, dynamo=False,
                                  dynamic_axes=dict(zip(names, moving)) if moving else None)
    except Exception as e:
        print(f'{path}: {type(e).__name__}: {str(e).strip().splitlines()[0]}')
        continue
    made += 1
    for k, feed in enumerate(feeds):
        np.savez(f'{path}.{k}.npz', **{n: array(v) for n, v in zip(names, feed)})
sys.exit(not made)
