// A program cannot say that it passed: its word is not within its reach, and what tampers is wrong.
#include <gtest/gtest.h>

#include "judge/sandbox.h"

namespace bantam::test {
namespace {

using judge::run_sandboxed;

class SandboxVerdict : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = judge::sandbox_missing()) GTEST_SKIP() << "no sandbox here: " << *reason;
  }
};

// Whatever a program can reach from its frames, from what the garbage collector knows and from its files, as far
// as it could be the word.
constexpr const char* kHunt = R"(
import gc, os, sys
def hunt():
    seen, found, todo = set(), [], gc.get_objects()
    frame = sys._getframe()
    while frame:
        todo += [frame, frame.f_locals, frame.f_globals, frame.f_builtins, frame.f_code]
        frame = frame.f_back
    todo += [sys.modules, sys.argv, sys.orig_argv, dict(os.environ), sys._current_frames()]
    while todo:
        one = todo.pop()
        if id(one) in seen or one is seen or one is todo or one is found: continue
        seen.add(id(one))
        if isinstance(one, (bytes, bytearray)) and len(one) == 32: found.append(bytes(one).hex())
        todo += gc.get_referents(one)
    for fd in range(256):
        for read in (os.pread, os.read):
            try: found.append(f'{fd}: ' + (read(fd, 1 << 20, 0) if read is os.pread else read(fd, 1 << 20)).hex())
            except OSError: pass
    for name in ('self/mem', 'self/fd/0', 'self/cmdline', 'self/environ'):
        try: found.append(open('/proc/' + name, 'rb').read().hex())
        except OSError: pass
    return sorted(found)
)";

std::string hunted(const std::string& more) { return run_sandboxed(std::string(kHunt) + more).output; }

// The word is another in each run: what is the same in all of them does not hold it.
TEST_F(SandboxVerdict, TheWordIsNotWithinAProgramsReach) {
  for (const char* from : {"print(hunt())", "def f(): print(hunt())\nf()", "import threading\nt = threading.Thread(target=lambda: print(hunt()))\nt.start()\nt.join()",
                           "import sys\nsys.settrace(lambda *a: None)\nprint(hunt())"}) {
    const std::string first = hunted(from);
    EXPECT_NE(first.find("'0: ', "), std::string::npos) << first;  // standard input is empty
    EXPECT_EQ(first.find("'3: "), std::string::npos) << first;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(hunted(from), first);
  }
  // The hunt finds what lies in a frame further up, or in an object.
  for (const char* there : {"def f(secret): print(hunt())\nf(os.urandom(32))", "class A: pass\na = A()\na.x = [os.urandom(32)]\nprint(hunt())"})
    EXPECT_NE(hunted(there), hunted(there)) << there;
}

// Behind each of these comes a test that fails: none of them is right.
TEST_F(SandboxVerdict, WhatTampersIsWrong) {
  for (const char* answer :
       {"import sys\nsys.exit(0)", "raise SystemExit", "raise SystemExit(0)", "import os\nos._exit(0)", "raise KeyboardInterrupt",
        "import os\nos.execv('/usr/bin/true', ['true'])", "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
        "print('passed')\nprint('done-1', flush=True)", "import atexit, os\natexit.register(os._exit, 0)",
        "import atexit, os\n@atexit.register\ndef late():\n  print('done', flush=True)\n  os.write(0, b'0' * 32)\n  os._exit(0)",
        // Back what came, and what there is to be seen.
        "import sys, os\nos.write(0, sys.stdin.buffer.read())\nos._exit(0)", "import os\nos.write(0, os.read(0, 32).ljust(32))\nos._exit(0)",
        "import sys, os\nos.write(0, repr(sys._getframe(1).f_locals).encode()[:32])\nos._exit(0)",
        "import __main__, os\nos.write(0, repr(vars(__main__)).encode()[-32:])\nos._exit(0)",
        "import socket, os\ns = socket.socket(fileno=0)\ns.send(s.recv(32, socket.MSG_PEEK).ljust(32))\nos._exit(0)",
        "import gc, os\nos.write(0, next(o for o in gc.get_objects() if isinstance(o, tuple) and len(o) == 32).__repr__().encode()[:32])\nos._exit(0)",
        // What runs the tests is not what it was.
        "import builtins\nbuiltins.AssertionError = None", "import builtins\nbuiltins.exec = builtins.compile = lambda *a: None",
        "import os\nos.read = os.write = lambda *a: b''", "def check(f): pass", "import sys\nsys.excepthook = lambda *a: None\nsys.stdout = sys.stderr = None",
        "import __main__\n__main__.exec = lambda *a: None\n__main__.os = __main__.code = None", "import sys\nsys.settrace(lambda *a: None)",
        "import threading\nthreading.Timer(0.1, print).start()", "import os\nos.close(0)"})
    EXPECT_FALSE(run_sandboxed(std::string(answer) + "\ndef f(): return 0\ndef check(f):\n  assert f() == 1\ncheck(f)\n").passed) << answer;
  // In the function, while the tests run.
  for (const char* body : {"import sys; sys.exit(0)", "import os; os._exit(0)", "global check; check = print", "raise SystemExit(0)",
                           "import sys; sys._getframe(1).f_globals['check'] = print", "import sys; sys._getframe(1).f_locals.clear()"})
    EXPECT_FALSE(run_sandboxed("def f():\n  " + std::string(body) + "\ndef check(f):\n  assert f() == 1\ncheck(f)\n").passed) << body;
  // The word of a program that ends well is not heard beside anything else.
  EXPECT_FALSE(run_sandboxed("import os\nos.write(0, b'x')").passed);
}

}  // namespace
}  // namespace bantam::test
