# mo.mk: rules that turn networks into what ships. In a Makefile, after its first target:
#     include $(shell pkg-config --variable=mk mo)
# x.onnx gives x.xml + x.bin, x.fp16.xml and x.int8.xml (quantized on MO_DATA), and each of these its .blob.
# A variable may differ for one target: `net.int8.xml: MO_DATA = samples.npy`.
# Each conversion leaves a .d file that names all it read, external data included.
MO ?= mo
MO_CALIBRATE ?= mo-calibrate
MO_COMPILE ?= mo-compile

%.xml %.bin: %.onnx
	$(MO) -q --input $< --output-dir $(@D) --model-name $(notdir $*) --depfile $*.d $(MO_FLAGS)
%.fp16.xml %.fp16.bin: %.onnx
	$(MO) -q --input $< --output-dir $(@D) --model-name $(notdir $*).fp16 --precision fp16 --depfile $*.fp16.d $(MO_FLAGS)
%.int8.xml %.int8.bin: %.xml %.bin
	$(if $(MO_DATA),,$(error $@: set MO_DATA to the samples that it is calibrated on))
	$(MO_CALIBRATE) -q $< --data $(MO_DATA) --output-dir $(@D) --model-name $(notdir $*).int8 $(MO_CALIBRATE_FLAGS)
%.blob: %.xml %.bin
	$(MO_COMPILE) -q $< -o $@ $(MO_COMPILE_FLAGS)

.PRECIOUS: %.xml %.bin
MO_DEPS ?= $(wildcard *.d */*.d)
-include $(MO_DEPS)
