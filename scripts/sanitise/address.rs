//! Reads past the end of its memory when it is given an argument.

fn main() {
    let bytes = vec![1u8; 32];
    let at = if std::env::args().len() > 1 { 32 } else { 31 };
    // SAFETY: none, and on purpose: the sanitizer must say so.
    println!("{}", unsafe { bytes.as_ptr().add(at).read_volatile() });
}
