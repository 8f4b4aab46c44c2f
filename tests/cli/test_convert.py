#!/usr/bin/env python3
"""test_convert.py: lamina convert."""
import json
import pickle
import re
import shutil
import struct
import subprocess
import unittest
import zlib

from support import SOURCE, Case, run

FOREIGN = SOURCE / "tests" / "golden" / "data" / "foreign"


def write_tensors(path, tensors):
    """A safetensors file of floats: name -> (shape, values)."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        packed = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def shaped(*shape):
    count = 1
    for n in shape:
        count *= n
    return list(shape), [0.25 * (i % 7) - 0.5 for i in range(count)]


def field(number, value):
    """A field of a protocol buffer: an integer, or a text, bytes or message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    low = value & 0x7f
    return bytes([low | 0x80]) + varint(value >> 7) if value > 0x7f else bytes([low])


def onnx_of_scalings(width, nodes, locations):
    """An ONNX file that multiplies samples by a number again and again, with a ReLU after each, and
    has tensors beside it whose values are in other files."""
    graph = field(1, field(1, "x") + field(1, "row") + field(2, "x0") + field(4, "Add"))
    graph += field(2, "g") + field(5, field(1, width) + field(2, 1) + field(8, "row")
                                   + field(9, bytes(4 * width)))
    for i in range(nodes):
        graph += field(1, field(1, f"x{i}") + field(1, "two") + field(2, f"y{i}") + field(4, "Mul"))
        graph += field(1, field(1, f"y{i}") + field(2, f"x{i + 1}") + field(4, "Relu"))
    graph += field(5, field(2, 1) + field(8, "two") + field(9, struct.pack("<f", 2.0)))
    for i, location in enumerate(locations):
        graph += field(5, field(1, 1) + field(2, 1) + field(8, f"unused{i}") + field(14, 1)
                       + field(13, field(1, "location") + field(2, location)))
    for number, name in ((11, "x"), (12, f"x{nodes}")):
        shape = field(1, field(2, "N")) + field(1, field(1, width))
        graph += field(number, field(1, name) + field(2, field(1, field(1, 1) + field(2, shape))))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))


class Convert(Case):
    def test_a_copy_has_the_same_bytes(self):
        model = self.model("--layers", "8:relu,dropout:0.1,3:softmax", "--epochs", "2")
        copy = self.path("copy.safetensors")
        text = self.good("convert", model, copy)
        self.assertEqual(copy.read_bytes(), model.read_bytes())
        self.assertRegex(text, r"(?m)^read +.*model\.safetensors, safetensors, ")
        self.assertRegex(text, r"(?m)^network +2 -> 8 relu -> 3 softmax, 51 parameters$")
        self.assertRegex(text, r"(?m)^compared +OUT, read back, .*: largest difference 0 relative to ")

    def test_the_format_is_told_by_content_and_named_by_options(self):
        model = self.model()
        plain = self.path("plain")
        plain.write_bytes(model.read_bytes())
        self.assertIn("safetensors", self.good("convert", plain, self.path("a.SafeTensors")))
        self.good("convert", plain, self.path("b"), "--to", "safetensors", "--from", "safetensors")
        self.assertEqual(self.path("b").read_bytes(), model.read_bytes())

    def test_trouble(self):
        model = self.model()
        out = self.path("out.safetensors")
        self.assertIn("two files", self.bad(2, "convert", model))
        self.assertIn("is not that of a model format", self.bad(2, "convert", model, self.path("out.xyz")))
        self.assertIn("did you mean 'safetensors'",
                      self.bad(2, "convert", model, out, "--to", "safetensor"))
        self.assertIn("No such file", self.bad(1, "convert", self.path("none"), out))
        junk = self.path("junk")
        junk.write_bytes(b"junk")
        self.assertIn("neither its content nor its extension", self.bad(1, "convert", junk, out))
        self.assertIn("folder", self.bad(1, "convert", model, self.path("no/such/out.safetensors")))
        self.assertFalse(out.exists())

    def test_c_source_compiles_and_passes_its_own_test(self):
        model = self.model("--layers", "8:tanh,3:softmax")
        source = self.path("spiral_net.c")
        self.assertIn("can be written but not", self.good("convert", model, source))
        self.assertIn("#define SPIRAL_NET_OUTPUTS 3\n", self.path("spiral_net.h").read_text())
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        self.assertIsNotNone(compiler)
        program = self.path("self_test")
        subprocess.run([compiler, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                        "-DSPIRAL_NET_SELF_TEST", source, "-o", program, "-lm"], check=True)
        self.assertEqual(subprocess.run([program]).returncode, 0)
        self.good("convert", model, source, "--name", "other")
        self.assertIn("void other_predict(", source.read_text())
        done = run("convert", model, source, "--name", "a-b")
        self.assertEqual(done.returncode, 2)
        self.assertIn("not a C identifier", done.stderr)

    def test_bare_weights_become_a_model(self):
        out = self.path("out.safetensors")
        text = self.good("convert", FOREIGN / "torch-float32.safetensors", out, "--layers",
                         "9:relu,dropout:0.1,9:relu,4:softmax", "--scale", "-1,1")
        self.assertIn("network     7 -> 9 relu -> 9 relu -> 4 softmax, 202 parameters", text)
        about = json.loads(self.good("inspect", out, "--json"))
        self.assertEqual([one["type"] for one in about["layers"]],
                         ["dense", "dropout", "dense", "dense"])
        self.assertEqual(about["transform"], {"kind": "scale", "from_lo": 0, "from_hi": 255,
                                              "to_lo": -1, "to_hi": 1})

    def test_large_outputs_are_compared_by_their_size(self):
        weights = [1e6 * value for value in shaped(3, 4)[1]]
        bare = write_tensors(self.path("large.safetensors"),
                             {"fc.weight": ([3, 4], weights), "fc.bias": ([3], [1e5, 2e5, 3e5])})
        onnx = re.search(r"(?m)^onnx +yes", run("--version").stdout)
        out = self.path("large.onnx" if onnx else "large-too.safetensors")
        text = self.good("convert", bare, out, "--layers", "3", "--scale", "0.1,0.77")
        self.assertRegex(text, r"(?m)^checked +against the steps in the file.*: largest difference ")
        self.assertIn("not compared with the program that made it", text)

    def test_what_is_left_out_is_listed(self):
        self.needs("zip")
        modules = FOREIGN.parent / "modules"
        text = self.good("convert", modules / "sklearn-three-5.pkl", self.path("a.safetensors"))
        self.assertRegex(text, r"(?m)^left out +training state: '_optimizer', ")
        text = self.good("convert", FOREIGN / "checkpoint.pt", self.path("b.safetensors"),
                         "--layers", "9:relu,9:relu,4:softmax")
        self.assertRegex(text, r"(?m)^left out +not arrays: 'epoch', 'loss'$")
        self.assertRegex(text, r"(?m)^left out +\d+ arrays: .*exp_avg")

    def test_order_map_and_layers_are_asked_for(self):
        out = self.path("out.safetensors")
        state = FOREIGN / "torch-float32.safetensors"
        self.assertIn("give the architecture, such as --layers 9:relu,9:relu,4:softmax",
                      self.bad(2, "convert", state, out))
        self.assertIn("2 dense layers asked for, but 3 weights found: '0.weight', '2.weight', ",
                      self.bad(1, "convert", state, out, "--layers", "9:relu,4"))
        self.assertIn("its weights do not make these layers",
                      self.bad(1, "convert", state, out, "--layers", "9:relu,8,4"))
        square = write_tensors(self.path("square.safetensors"),
                               {"A": shaped(5, 5), "B": shaped(5), "C": shaped(5, 5)})
        self.assertIn("name them with --map", self.bad(2, "convert", square, out, "--layers", "5,5",
                                                       "--order", "out,in"))
        self.assertIn("give --order out,in (PyTorch) or --order in,out (Keras): 'A' [5, 5], ",
                      self.bad(2, "convert", square, out, "--layers", "5,5", "--map", "A+B,C"))
        self.assertIn("out,in or in,out, not 'both'",
                      self.bad(2, "convert", square, out, "--layers", "5,5", "--order", "both",
                               "--map", "A+B,C"))
        self.good("convert", square, out, "--layers", "5,5", "--order", "in,out", "--map", "C,A+B")
        self.assertIn("no array is called 'D'", self.bad(
            2, "convert", square, out, "--layers", "5,5", "--order", "in,out", "--map", "A,D"))
        self.assertIn("a whole model: --order is for bare weights only",
                      self.bad(2, "convert", out, self.path("x.safetensors"), "--order", "in,out"))
        twins = write_tensors(self.path("twins.safetensors"),
                              {"a.W": shaped(4, 6), "b.W": shaped(6, 6), "c.W": shaped(6, 6),
                               "d.W": shaped(6, 3)})
        self.assertIn("name them with --map",
                      self.bad(2, "convert", twins, out, "--layers", "6,6,6,3"))
        mixed = write_tensors(self.path("mixed.safetensors"),
                              {"a.W": shaped(6, 3), "b.W": shaped(6, 6), "c.W": shaped(6, 6),
                               "d.W": shaped(4, 6)})
        self.assertIn("in more than one way: name them with --map",
                      self.bad(2, "convert", mixed, out, "--layers", "6,6,6,3"))
        self.good("convert", mixed, out, "--layers", "6,6,6,3", "--map", "d.W,b.W,c.W,a.W")
        apart = write_tensors(self.path("apart.safetensors"),
                              {"last.weight": shaped(3, 8), "in.weight": shaped(8, 4)})
        self.good("convert", apart, out, "--layers", "8:relu,3")
        norm = write_tensors(self.path("norm.safetensors"),
                             {"0.weight": shaped(8, 4), "1.weight": shaped(8), "1.bias": shaped(8),
                              "2.weight": shaped(3, 8)})
        self.assertIn("'1.bias' (1 dimensions) is not part of a dense layer",
                      self.bad(1, "convert", norm, out, "--layers", "8:relu,3"))
        self.assertFalse(self.path("x.safetensors").exists())

    def test_inspect_tells_what_a_file_holds(self):
        self.needs("zip")
        text = self.good("inspect", FOREIGN / "state.pt")
        self.assertRegex(text, r"(?m)^format +pytorch$")
        self.assertRegex(text, r"(?m)^F32 +9 x 7 +0\.weight$")
        self.assertIn("not a model as it is: ", text)
        shown = json.loads(self.good("inspect", FOREIGN / "batch-norm.pt", "--json"))
        self.assertEqual((shown["features"], shown["outputs"], shown["format"]), (7, 2, "pytorch"))
        self.assertIn({"name": "2", "class": "torch.nn.modules.batchnorm.BatchNorm1d"},
                      shown["arrays"])
        self.assertIn({"name": "2.running_mean", "type": "F32", "shape": [8]}, shown["arrays"])
        bare = json.loads(self.good("inspect", FOREIGN / "keras-names.safetensors", "--json"))
        self.assertIn("bare weights", bare["refused"])
        self.assertEqual(len(bare["arrays"]), 4)
        conv = write_tensors(self.path("conv.safetensors"), {"conv.weight": shaped(2, 2, 3, 3)})
        done = run("inspect", conv)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no array of two dimensions", done.stdout)
        self.assertIn("2 x 2 x 3 x 3", done.stdout)

    def test_pickles_run_nothing(self):
        class Evil:
            def __reduce__(self):
                return (exec, (f"open({str(victim)!r}, 'w')",))

        victim, out = self.path("victim"), self.path("out.safetensors")
        evil = self.path("evil.pkl")
        evil.write_bytes(pickle.dumps([1, Evil()]))
        self.assertIn("'1' would come from calling builtins.exec, which Lamina does not do",
                      self.bad(1, "convert", evil, out))
        self.assertFalse(victim.exists() or out.exists())
        self.assertIn("network     6 -> 8 relu -> 8 relu -> 3 softmax",
                      self.good("convert", FOREIGN / "book-model-4.pkl", out))

    def test_integers_compile_and_tell_what_they_cost(self):
        model = self.model("--layers", "32:relu,32:tanh,3:softmax", "--epochs", "80")
        source = self.path("small.c")
        text = self.good("convert", model, source, "--quantize", "int8", "--calibrate", "spiral")
        self.assertRegex(text, r"(?m)^integers +.* instead of .*: [0-9.]+%$")
        found = re.search(r"(?m)^accuracy +([0-9.]+) in floats, ([0-9.]+) in integers: "
                          r"-?[0-9.]+ points lost, on [0-9]+ samples of spiral$", text)
        self.assertTrue(found, text)
        self.assertLess(abs(float(found[1]) - float(found[2])), 0.05)
        self.assertRegex(text, r"(?m)^written +.*small\.c, c, ")
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        program = self.path("self_test")
        subprocess.run([compiler, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                        "-DSMALL_SELF_TEST", source, "-o", program, "-lm"], check=True)
        self.assertEqual(subprocess.run([program]).returncode, 0)

    def exported(self, *more):
        """Headers and sources of a network in floats and in bytes: every kind of layer."""
        model = self.model("--layers", "9:relu,layer_norm,6:tanh,5:softmax,4:sigmoid,3:softmax",
                           "--standardize", "--epochs", "1")
        for name, options in (("floats", ()), ("bytes8", ("--quantize", "int8", "--calibrate",
                                                          "spiral"))):
            source = self.path(f"{name}.c")
            self.good("convert", model, source, *options, *more)
            yield name, source, self.path(f"{name}.h").read_text()

    def test_c_source_is_cplusplus_too(self):
        compiler = shutil.which("g++") or shutil.which("clang++")
        if not compiler:
            self.skipTest("no compiler of C++")
        for name, source, _ in self.exported():
            program = self.path(f"{name}_test")
            subprocess.run([compiler, "-x", "c++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic",
                            "-Werror", f"-D{name.upper()}_SELF_TEST", source, "-o", program],
                           check=True)
            self.assertEqual(subprocess.run([program]).returncode, 0)

    def test_the_header_states_true_bytes(self):
        compiler, tool = shutil.which("gcc"), shutil.which("nm")
        if not compiler or not tool:
            self.skipTest("no gcc or nm")
        for name, source, header in self.exported():
            told = {key: int(value) for key, value in
                    re.findall(rf"#define {name.upper()}_(\w+)_BYTES (\d+)\n", header)}
            for how in (["-O1", "-fstack-usage"], ["-O0"]):  # optimized, small tables become code
                subprocess.run([compiler, "-std=c99", *how, "-c", source, "-o", f"{name}.o"],
                               check=True, cwd=self.path("."))
            symbols = re.findall(r"(?m)^\w+ (\w+) (\w) (\w+)$", subprocess.run(
                [tool, "-S", self.path(f"{name}.o")], check=True, stdout=subprocess.PIPE,
                text=True).stdout)
            tables = [int(size, 16) for size, kind, _ in symbols if kind == "r"]
            self.assertEqual(told["FLASH"], sum(tables), symbols)
            written = [symbol for _, kind, symbol in symbols if kind in "bBdDcC"]
            self.assertEqual((told["STATIC"], written), (0, []))
            used = sum(int(line.split("\t")[1]) for line in
                       self.path(f"{name}.su").read_text().splitlines())
            self.assertLessEqual(told["STACK"], used)
            self.assertLess(used, told["STACK"] + 1024)

    def test_tables_in_flash_are_read_by_its_words_alone(self):
        """PROGMEM of a machine made up here: its section is copied and wiped before main, so that
        only what goes through pgm_read finds the numbers."""
        compiler = shutil.which("gcc")
        if not compiler:
            self.skipTest("no gcc")
        self.path("avr").mkdir()
        self.path("avr/pgmspace.h").write_text("""
            #include <stdint.h>
            #include <stdlib.h>
            #include <string.h>
            #include <sys/mman.h>
            #include <unistd.h>
            #define PROGMEM __attribute__((section("progmem"), used))
            extern const char __start_progmem[], __stop_progmem[];
            static char *progmem_copy;
            __attribute__((constructor)) static void wipe(void) {
                const size_t size = (size_t)(__stop_progmem - __start_progmem);
                const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
                const uintptr_t from = (uintptr_t)__start_progmem / page * page;
                progmem_copy = (char *)malloc(size);
                memcpy(progmem_copy, __start_progmem, size);
                if (mprotect((void *)from, (uintptr_t)__stop_progmem - from,
                             PROT_READ | PROT_WRITE)) abort();
                memset((void *)(uintptr_t)__start_progmem, 0x55, size);
            }
            static const void *progmem_place(const void *p) {
                return progmem_copy + ((const char *)p - __start_progmem);
            }
            #define pgm_read_float(p) (*(const float *)progmem_place(p))
            #define pgm_read_dword(p) (*(const uint32_t *)progmem_place(p))
            #define pgm_read_byte(p) (*(const uint8_t *)progmem_place(p))
            """)
        for name, source, _ in self.exported():
            program = self.path(f"{name}_test")
            flags = [f"-D{name.upper()}_PROGMEM", f"-D{name.upper()}_SELF_TEST", "-I", self.path(".")]
            subprocess.run([compiler, "-std=gnu99", "-O1", *flags, source, "-o", program, "-lm"],
                           check=True)
            self.assertEqual(subprocess.run([program]).returncode, 0, name)

    def test_one_sigmoid_unit_is_counted_in_integers(self):
        rows = [f"{i % 7},{i % 5},{'yes' if i % 7 > 2 else 'no'}" for i in range(70)]
        table = self.path("two.csv")
        table.write_text("a,b,c\n" + "\n".join(rows) + "\n")
        model = self.path("two.safetensors")
        self.good("train", table, "-o", model, "--layers", "6:relu,1:sigmoid", "--epochs", "30")
        source = self.path("two.c")
        text = self.good("convert", model, source, "--quantize", "int8", "--calibrate", table)
        self.assertRegex(text, r"(?m)^accuracy +[01][0-9.]* in floats, [01][0-9.]* in integers: ")
        self.assertTrue(source.exists() and self.path("two.h").exists())

    def test_no_output_stays_after_a_failure(self):
        model, wide = self.model(), self.path("wide.csv")
        wide.write_text("a,b,c,d,y\n" + "\n".join(f"{i},{i * i % 7},{i % 3},1,{'pq'[i % 2]}"
                                                   for i in range(20)) + "\n")
        before = sorted(self.path(".").iterdir())
        out, quantize = self.path("a.c"), ("--quantize", "int8", "--calibrate")
        for more in ((*quantize, "spiral", "--evaluate", wide), (*quantize, wide)):
            self.assertNotEqual(run("convert", model, out, *more).returncode, 0)
        self.path("b.c").mkdir()
        self.assertNotEqual(run("convert", model, self.path("b.c")).returncode, 0)
        self.path("b.c").rmdir()
        self.assertEqual(sorted(self.path(".").iterdir()), before)

    def test_trouble_with_integers(self):
        model = self.model()
        source = self.path("a.c")
        quantize = ("--quantize", "int8")
        self.assertIn("needs --calibrate", self.bad(2, "convert", model, source, *quantize))
        self.assertIn("takes int8, not", self.bad(2, "convert", model, source, "--quantize", "int4"))
        self.assertIn("go with --quantize",
                      self.bad(2, "convert", model, source, "--calibrate", "spiral"))
        self.assertIn("as C source",
                      self.bad(2, "convert", model, self.path("a.safetensors"), *quantize,
                               "--calibrate", "spiral"))
        self.assertFalse(source.exists())

    def test_a_softmax_over_the_batch_is_none(self):
        self.needs("zip")
        self.assertIn("Softmax): a softmax over dimension 0: only over the features",
                      self.bad(1, "convert", FOREIGN / "softmax-batch.pt", self.path("o.safetensors")))

    def test_onnx_files_tell_what_they_hold(self):
        file = FOREIGN / "onnx" / "sklearn_two.onnx"
        done = run("inspect", file)
        if "has no ONNX" in done.stdout + done.stderr:
            self.skipTest("a build without ONNX")
        text = self.good("inspect", file)
        self.assertRegex(text, r"(?m)^producer +skl2onnx [0-9.]+$")
        self.assertRegex(text, r"(?m)^ONNX +IR version \d+, operators \d+")
        self.assertRegex(text, r"(?m)^takes +'\w+' FLOAT \? x \d+$")
        self.assertRegex(text, r"(?m)^FLOAT +\d+ x \d+ +coefficient$")
        self.assertRegex(text, r"(?m)^object +node \d+ 'MatMul': MatMul$")
        self.assertIn("bare weights only",
                      self.bad(2, "convert", file, self.path("o.safetensors"), "--layers", "3"))
        shown = json.loads(self.good("inspect", file, "--json"))
        self.assertIn({"name": "coefficient", "type": "FLOAT", "shape": [4, 5]}, shown["arrays"])

    def test_a_file_beside_onnx_counts_once(self):
        if "has no ONNX" in run("inspect", FOREIGN / "onnx" / "sklearn_two.onnx").stderr:
            self.skipTest("a build without ONNX")
        for name in ("a.data", "b.data"):
            self.path(name).write_bytes(bytes(1 << 16))
        for locations in (["a.data", "b.data"], ["a.data", "b.data"] * 100):
            file = self.path("m.onnx")
            file.write_bytes(onnx_of_scalings(100000, 8, locations))
            self.assertIn("values, more than a file of ",
                          self.bad(1, "convert", file, self.path("o.safetensors")))

    def test_of_a_link_the_file_is_removed(self):
        model, target, link = self.model(), self.path("target.onnx"), self.path("link.onnx")
        if "has no ONNX" in run("convert", model, target).stderr:
            self.skipTest("a build without ONNX")
        link.symlink_to(target)
        # weights beyond what a product of floats can hold: outputs are no numbers
        content = model.read_bytes()
        begin = 8 + struct.unpack("<Q", content[:8])[0]
        header, data = json.loads(content[8:begin]), bytearray(content[begin:])
        data[:] = struct.pack("<f", 3e38) * (len(data) // 4)
        metadata = header["__metadata__"]
        checksum = zlib.crc32(bytes(data), zlib.crc32(metadata["lamina"].encode()))
        content = content[8:begin].replace(metadata["lamina_crc32"].encode(),
                                           f"{checksum:08x}".encode())
        model.write_bytes(struct.pack("<Q", len(content)) + content + data)
        done = run("convert", model, link)
        self.assertEqual((done.returncode, "it was removed" in done.stderr), (1, True), done.stderr)
        self.assertTrue(link.is_symlink() and not target.exists())

    def test_keras_files_tell_their_layers(self):
        self.needs("zip")
        keras = FOREIGN.parent / "keras" / "refused"
        for name in ("k3_leaky.keras", "k2_leaky.h5"):
            done = run("inspect", keras / name)
            if "no JSON library" in done.stdout + done.stderr or "no zip" in done.stdout:
                self.skipTest("a build without what Keras files need")
            self.assertRegex(done.stdout, r"(?m)^class +Sequential$")
            self.assertRegex(done.stdout, r"(?m)^object +leaky_re_lu\w*: LeakyReLU$")
            self.assertRegex(done.stdout, r"(?m)^not a model as it is: .*LeakyReLU")
            self.assertEqual(done.returncode, 1)

    def test_help_lists_the_formats(self):
        text = run("convert", "--help").stdout
        self.assertRegex(text, r"(?ms)^Formats.*^  safetensors .*IN and OUT; \.safetensors\)")


if __name__ == "__main__":
    unittest.main()
