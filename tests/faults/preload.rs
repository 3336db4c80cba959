//! Loaded into a process (LD_PRELOAD), tells the file that CALLS names of its calls that sync or name files. See `sync.rs`.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io::Write;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn gettid() -> c_int;
}

/// The function of this name that would have been called.
fn next(name: &CStr) -> *mut c_void {
    const RTLD_NEXT: *mut c_void = -1isize as *mut c_void;
    unsafe { dlsym(RTLD_NEXT, name.as_ptr()) }
}

fn text(path: *const c_char) -> String {
    unsafe { CStr::from_ptr(path) }.to_string_lossy().into_owned()
}

/// A call that went well.
fn tell(result: c_int, call: &str, path: &str, to: &str) -> c_int {
    let file = std::env::var_os("CALLS").map(|calls| std::fs::OpenOptions::new().create(true).append(true).open(calls));
    if let (0, Some(Ok(mut file))) = (result, file) {
        let line = format!("{}\t{call}\t{path}\t{to}\n", unsafe { gettid() });
        file.write_all(line.as_bytes()).expect("calls are told");
    }
    result
}

#[unsafe(no_mangle)]
pub extern "C" fn fsync(descriptor: c_int) -> c_int {
    let real: extern "C" fn(c_int) -> c_int = unsafe { std::mem::transmute(next(c"fsync")) };
    let path = std::fs::read_link(format!("/proc/self/fd/{descriptor}")).unwrap_or_default();
    tell(real(descriptor), "fsync", &path.to_string_lossy(), "")
}

#[unsafe(no_mangle)]
pub extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let real: extern "C" fn(*const c_char, *const c_char) -> c_int = unsafe { std::mem::transmute(next(c"rename")) };
    tell(real(from, to), "rename", &text(from), &text(to))
}

#[unsafe(no_mangle)]
pub extern "C" fn linkat(at: c_int, from: *const c_char, to_at: c_int, to: *const c_char, flags: c_int) -> c_int {
    let real: extern "C" fn(c_int, *const c_char, c_int, *const c_char, c_int) -> c_int = unsafe { std::mem::transmute(next(c"linkat")) };
    tell(real(at, from, to_at, to, flags), "link", &text(from), &text(to))
}

#[unsafe(no_mangle)]
pub extern "C" fn mkdir(path: *const c_char, mode: u32) -> c_int {
    let real: extern "C" fn(*const c_char, u32) -> c_int = unsafe { std::mem::transmute(next(c"mkdir")) };
    tell(real(path, mode), "mkdir", &text(path), "")
}
