"""Compiles CUDA sources to PTX with the NVRTC library whose path is the argument.

Reads a JSON list of jobs from stdin, writes the list of their results to stdout.
A job is {"name", "text", "headers": {spelling: text}, "options": [...]}; a result
is {"log", "ptx"}, where "ptx" is null when the source does not compile. Headers are
handed over as text, so that nothing NVRTC writes holds a path of this machine.
"""

import ctypes
import json
import sys


class Nvrtc:
    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.nvrtcGetErrorString.restype = ctypes.c_char_p

    def call(self, name, *arguments):
        """Calls a function and returns its status, 0 for success."""
        return getattr(self.library, name)(*arguments)

    def must(self, name, *arguments):
        status = self.call(name, *arguments)
        if status != 0:
            words = self.library.nvrtcGetErrorString(status).decode()
            sys.exit(f"{name}: {words}")

    def text(self, program, what):
        """A text that NVRTC gives as a size and a buffer to fill."""
        size = ctypes.c_size_t()
        self.must(f"nvrtcGet{what}Size", program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        self.must(f"nvrtcGet{what}", program, buffer)
        return buffer.value.decode()

    def compile(self, job):
        program = ctypes.c_void_p()
        headers = job["headers"]
        self.must(
            "nvrtcCreateProgram",
            ctypes.byref(program),
            job["text"].encode(),
            job["name"].encode(),
            len(headers),
            strings(headers.values()),
            strings(headers.keys()),
        )
        options = strings(job["options"])
        status = self.call("nvrtcCompileProgram", program, len(options), options)
        log = self.text(program, "ProgramLog")
        ptx = self.text(program, "PTX") if status == 0 else None
        self.must("nvrtcDestroyProgram", ctypes.byref(program))
        if ptx is None and not log.strip():
            log = self.library.nvrtcGetErrorString(status).decode()
        return {"log": log, "ptx": ptx}


def strings(texts):
    texts = [text.encode() for text in texts]
    return (ctypes.c_char_p * len(texts))(*texts)


if __name__ == "__main__":
    nvrtc = Nvrtc(sys.argv[1])
    json.dump([nvrtc.compile(job) for job in json.load(sys.stdin)], sys.stdout)
