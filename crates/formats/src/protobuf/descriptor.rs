//! Where message types come from: files, and the texts of a registry.

use crate::registry::RegisteredSchema;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result};
use prost_reflect::{DescriptorPool, FieldDescriptor, FileDescriptor, MapKey, MessageDescriptor, Value};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver};
use std::path::Path;

/// Brackets within brackets taken: what a compiler works on by calling itself has a bound.
const DEPTH_MAX: usize = 100;

/// Longest file taken.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Directories above a file that its imports are looked for in.
const ABOVE_MAX: usize = 16;

/// What Confluent's schemas import without telling.
const KNOWN: [(&str, &str); 4] = [
    (
        "confluent/meta.proto",
        r#"syntax = "proto3"; package confluent; import "google/protobuf/descriptor.proto";
        message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
        extend google.protobuf.FileOptions { Meta file_meta = 1088; }
        extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
        extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
        extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
        extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }"#,
    ),
    (
        "confluent/type/decimal.proto",
        r#"syntax = "proto3"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }"#,
    ),
    (
        "google/type/date.proto",
        r#"syntax = "proto3"; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }"#,
    ),
    (
        "google/type/timeofday.proto",
        r#"syntax = "proto3"; package google.type; message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }"#,
    ),
];

/// Files by their names.
struct Texts(Vec<(String, String)>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let known = KNOWN.iter().find(|(n, _)| *n == name).map(|(_, text)| *text);
        match self.0.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str()).or(known) {
            Some(text) if is_deep(text) => Err(protox::Error::new(format!("{name} has brackets within more than {DEPTH_MAX} brackets"))),
            // Confluent's Flink writes this name without the dot, and a package within which it means something else.
            Some(text) => File::from_source(name, &text.replace("(confluent.", "(.confluent.")),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// Counts also brackets in texts and comments, which have few.
fn is_deep(text: &str) -> bool {
    let mut depth = 0usize;
    text.bytes().any(|b| {
        match b {
            b'{' | b'[' | b'(' | b'<' => depth += 1,
            b'}' | b']' | b')' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEPTH_MAX
    })
}

fn compile(resolver: impl FileResolver + 'static, name: &str) -> Result<FileDescriptor, String> {
    let mut chain = ChainFileResolver::new();
    chain.add(resolver);
    chain.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(chain);
    compiler
        .open_file(name)
        .map_err(|e| format!("{e:?}").lines().next().unwrap_or_default().to_string())?;
    // The compiler's own pool was made before it knew the options of fields.
    let pool = DescriptorPool::decode(compiler.descriptor_pool().encode_to_vec().as_slice()).map_err(|e| e.to_string())?;
    let file = pool.get_file_by_name(name);
    file.ok_or_else(|| format!("{name} is not there after it was compiled"))
}

/// The file that a registry's schema is.
///
/// # Errors
/// What is wrong with it, or with what it imports.
pub(super) fn of_schema(schema: &RegisteredSchema) -> Result<FileDescriptor, String> {
    // A name that nothing imports.
    const NAME: &str = "schema.of.the.record.proto";
    let mut texts: Vec<(String, String)> = schema.references.iter().map(|r| (r.name.clone(), r.text.clone())).collect();
    texts.push((NAME.to_string(), schema.text.clone()));
    compile(Texts(texts), NAME)
}

/// The message of this name in a `.proto` file, or in a set of compiled ones.
///
/// # Errors
/// `Config` for a file that cannot be read or is none of both, and for a message that it does not have.
pub(super) fn of_file(path: &Path, message: &str) -> Result<MessageDescriptor> {
    let wrong = |what: &str, why: String| {
        Error::config(format!("the file of the option 'protobuf.descriptor' {what}"))
            .code("E0529")
            .detail(format!("{}: {why}", path.display()))
    };
    let read = |what: std::io::Error| wrong("cannot be read", what.to_string()).hint("check the path; relative paths start where the program was started");
    let length = std::fs::metadata(path).map_err(read)?.len();
    if length > FILE_BYTES_MAX {
        return Err(wrong("is too large", format!("it has {length} bytes, at most {FILE_BYTES_MAX} are taken")));
    }
    let bytes = std::fs::read(path).map_err(read)?;
    let pool = match path.extension().is_some_and(|e| e == "proto") {
        true => of_text(path, bytes).map_err(|why| wrong("cannot be compiled", why))?,
        false => DescriptorPool::decode(bytes.as_slice()).map_err(|e| {
            wrong("holds no FileDescriptorSet", e.to_string()).hint("name a .proto file, or what protoc --include_imports --descriptor_set_out writes")
        })?,
    };
    find(&pool, message).ok_or_else(|| {
        let names: Vec<String> = pool.all_messages().map(|m| m.full_name().to_string()).collect();
        let e = Error::config(format!("there is no message '{message}' in the file of the option 'protobuf.descriptor'"))
            .code("E0529")
            .detail(path.display().to_string());
        match nearest(message, names.iter().map(String::as_str)) {
            Some(near) => e.hint(format!("did you mean '{near}'?")),
            None => e.hint("name it with its package in the option 'protobuf.message-class-name'"),
        }
    })
}

/// Its imports are looked for beside it, and in the directories above.
fn of_text(path: &Path, bytes: Vec<u8>) -> Result<DescriptorPool, String> {
    let text = String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".to_string())?;
    let name = path.file_name().and_then(|n| n.to_str()).ok_or("its name is no text")?;
    let mut chain = ChainFileResolver::new();
    chain.add(Texts(vec![(name.to_string(), text)]));
    for directory in path.ancestors().skip(1).take(ABOVE_MAX) {
        chain.add(IncludeFileResolver::new(directory.to_path_buf()));
    }
    Ok(compile(chain, name)?.parent_pool().clone())
}

/// By the message's full name, or by that of the Java class that is made of it.
fn find(pool: &DescriptorPool, name: &str) -> Option<MessageDescriptor> {
    let exact = pool.get_message_by_name(name);
    exact.or_else(|| {
        let wanted = name.replace('$', ".");
        pool.all_messages().find(|m| java_name(m).is_some_and(|n| n == wanted))
    })
}

/// As protoc names classes, with a dot before those within others.
fn java_name(message: &MessageDescriptor) -> Option<String> {
    let file = message.parent_file();
    let proto = file.file_descriptor_proto();
    let options = proto.options.clone().unwrap_or_default();
    let package = options.java_package.clone().unwrap_or_else(|| file.package_name().to_string());
    let within = message.full_name().strip_prefix(file.package_name())?.trim_start_matches('.').to_string();
    let mut parts = vec![package];
    if options.java_multiple_files != Some(true) {
        parts.push(options.java_outer_classname.clone().unwrap_or_else(|| outer_class(&file)));
    }
    parts.push(within);
    parts.retain(|part| !part.is_empty());
    Some(parts.join("."))
}

/// `my_order.proto` becomes MyOrder, or MyOrderOuterClass if that is the name of a type in it.
fn outer_class(file: &FileDescriptor) -> String {
    let stem = file.name().rsplit('/').next().unwrap_or_default().trim_end_matches(".proto").to_string();
    let mut camel = String::new();
    let mut upper = true;
    for c in stem.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => {
                camel.push(if upper { c.to_ascii_uppercase() } else { c });
                upper = c.is_ascii_digit();
            }
            _ => upper = true,
        }
    }
    let taken = file.messages().any(|m| m.name() == camel) || file.enums().any(|e| e.name() == camel);
    if taken { camel + "OuterClass" } else { camel }
}

/// Whether Confluent's Flink says of a field that its messages stand for something that can be NULL.
pub(super) fn is_wrapped(field: &FieldDescriptor) -> bool {
    let Some(meta) = field.parent_pool().get_extension_by_name("confluent.field_meta") else {
        return false;
    };
    let options = field.options();
    let Value::Message(meta) = options.get_extension(&meta).into_owned() else {
        return false;
    };
    let params = meta.get_field_by_name("params").map(std::borrow::Cow::into_owned);
    match params {
        Some(Value::Map(params)) => params.get(&MapKey::String("flink.wrapped".to_string())).and_then(Value::as_str) == Some("true"),
        _ => false,
    }
}
