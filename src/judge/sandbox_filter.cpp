#include "judge/sandbox_filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bantam::judge {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kMachine = 0;  // every call is refused
#endif

constexpr std::uint32_t kRefused[] = {
#ifdef __NR_fork
    __NR_fork,
#endif
#ifdef __NR_vfork
    __NR_vfork,
#endif
    __NR_unshare, __NR_setns, __NR_ptrace, __NR_mount, __NR_umount2, __NR_pivot_root,
    __NR_keyctl,  __NR_add_key, __NR_bpf, __NR_perf_event_open, __NR_process_vm_readv, __NR_process_vm_writev,
    // Memory that RLIMIT_AS does not count once it is not mapped.
    __NR_memfd_create, __NR_shmget, __NR_msgget, __NR_mq_open,
    __NR_io_uring_setup, __NR_userfaultfd,
};

sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}
sock_filter answer(std::uint32_t with) { return BPF_STMT(BPF_RET | BPF_K, with); }
sock_filter if_equal(std::uint32_t value, std::uint8_t then, std::uint8_t otherwise) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise);
}

}  // namespace

std::string sandbox_filter() {
  constexpr std::uint32_t kNo = SECCOMP_RET_ERRNO | EPERM;
  std::vector<sock_filter> f;
  f.push_back(load(offsetof(seccomp_data, arch)));
  f.push_back(if_equal(kMachine, 1, 0));
  f.push_back(answer(SECCOMP_RET_KILL_PROCESS));
  f.push_back(load(offsetof(seccomp_data, nr)));
  for (const std::uint32_t call : kRefused) {
    f.push_back(if_equal(call, 0, 1));
    f.push_back(answer(kNo));
  }
  // glibc goes on with clone where clone3, whose flags a filter cannot see, is not there.
  f.push_back(if_equal(__NR_clone3, 0, 1));
  f.push_back(answer(SECCOMP_RET_ERRNO | ENOSYS));
  f.push_back(if_equal(__NR_clone, 0, 4));
  f.push_back(load(offsetof(seccomp_data, args)));
  f.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0));
  f.push_back(answer(kNo));
  f.push_back(answer(SECCOMP_RET_ALLOW));
  f.push_back(answer(SECCOMP_RET_ALLOW));
  return std::string(reinterpret_cast<const char*>(f.data()), f.size() * sizeof(sock_filter));
}

}  // namespace bantam::judge
