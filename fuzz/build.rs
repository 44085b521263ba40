//! The target `calls` has the exported functions in its executable, in front of a libssl that it is linked with.

fn main() {
    let exports = std::fs::read_to_string("../exports.txt").expect("../exports.txt");
    let argument = |text: &str| println!("cargo::rustc-link-arg-bin=calls={text}");
    // Nobody refers to them: the linker must be told to take them, and to show them to libssl.
    exports.lines().for_each(|name| argument(&format!("-Wl,-u,{name}")));
    ["-Wl,--export-dynamic", "-Wl,--no-as-needed", "-lssl", "-lcrypto"].into_iter().for_each(argument);
    println!("cargo::rerun-if-changed=../exports.txt");
}
