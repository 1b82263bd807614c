use std::path::PathBuf;

/// One thread of a process that this one started, stopped alone; it goes on
/// when this is dropped. To be dropped on the thread that made it.
#[derive(Debug)]
pub struct FrozenThread(libc::pid_t);

impl FrozenThread {
    /// Stopped on return. The name is what the kernel shows: 15 bytes at most.
    pub fn freeze(process: u32, name: &str) -> FrozenThread {
        let thread = thread_of(process, name);
        trace(libc::PTRACE_SEIZE, thread, name);
        trace(libc::PTRACE_INTERRUPT, thread, name);
        let mut status = 0;
        // SAFETY: `status` outlives the call, which writes nothing else.
        let stopped = unsafe { libc::waitpid(thread, &mut status, libc::__WALL) };
        assert_eq!(stopped, thread, "{name}: {}", last_error());
        assert!(libc::WIFSTOPPED(status), "{name}: {status:#x}");
        FrozenThread(thread)
    }
}

impl Drop for FrozenThread {
    fn drop(&mut self) {
        // An error says that the process is gone.
        // SAFETY: detaching takes no pointers.
        unsafe { libc::ptrace(libc::PTRACE_DETACH, self.0, 0, 0) };
    }
}

fn trace(request: libc::c_uint, thread: libc::pid_t, name: &str) {
    // SAFETY: neither request takes pointers.
    let done = unsafe { libc::ptrace(request, thread, 0, 0) };
    assert_eq!(done, 0, "{name} cannot be stopped: {}", last_error());
}

fn last_error() -> std::io::Error {
    std::io::Error::last_os_error()
}

fn thread_of(process: u32, name: &str) -> libc::pid_t {
    let tasks = PathBuf::from(format!("/proc/{process}/task"));
    let mut threads = std::fs::read_dir(&tasks)
        .expect("a process that runs")
        .map(|entry| entry.expect("a thread").path());
    let is_named = |path: &PathBuf| {
        let comm = std::fs::read_to_string(path.join("comm"));
        comm.is_ok_and(|comm| comm.trim_end() == name)
    };
    let path = threads
        .find(is_named)
        .unwrap_or_else(|| panic!("process {process} has no thread {name:?}"));
    let id = path.file_name().and_then(|id| id.to_str());
    id.and_then(|id| id.parse().ok()).expect("a thread's id")
}
