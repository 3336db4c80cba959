//! The plan by which messages of a type are read and written as a table's columns.

use super::descriptor;
use super::plan::{Absent, FieldStep, Integer, Message, Names, Shape, Slot, Step, Value};
use super::wire;
use millstream_dataflow::{Field, SqlType, temporal};
use prost_reflect::{Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Syntax};
use std::collections::HashMap;
use std::sync::Arc;

/// Which columns go with which fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Flink's `protobuf` format: each column has a field of exactly its type. A field that is not there is NULL, unless defaults are read:
    /// those of texts, numbers and the like (`plain`) always in proto3, and all others only if the option says so.
    Flink { plain_defaults: bool, other_defaults: bool },
    /// Confluent's Flink: dates, times and decimals are messages that are known, messages with one field may stand for arrays and items
    /// that can be NULL, and a field that is not there is NULL if it is known that it is not there.
    Confluent,
}

impl Message {
    /// # Errors
    /// Which column has no field, or one of another type.
    pub(super) fn new(ty: &MessageDescriptor, columns: &[Field], rules: Rules) -> Result<Message, String> {
        Message::with(ty, columns, rules, rules)
    }

    /// - `own`: the rules of what is not there of its own fields
    fn with(ty: &MessageDescriptor, columns: &[Field], rules: Rules, own: Rules) -> Result<Message, String> {
        let mut message = Builder::new(ty);
        for column in columns {
            message.column(column, rules, own)?;
        }
        Ok(message.finish())
    }
}

/// The rules of Flink's format for a message type, as its ProtoToRowConverter makes them.
pub(super) fn of_flink(ty: &MessageDescriptor, read_defaults: bool) -> Rules {
    Rules::Flink {
        plain_defaults: read_defaults || ty.parent_file().syntax() == Syntax::Proto3,
        other_defaults: read_defaults,
    }
}

struct Builder<'a> {
    ty: &'a MessageDescriptor,
    slots: Vec<Slot>,
    /// By the field's number.
    places: HashMap<u32, usize>,
    oneofs: Vec<Vec<usize>>,
    steps: Vec<Step>,
}

impl<'a> Builder<'a> {
    /// With what must be there, wanted or not.
    fn new(ty: &'a MessageDescriptor) -> Self {
        let mut builder = Builder {
            ty,
            slots: Vec::new(),
            places: HashMap::new(),
            oneofs: Vec::new(),
            steps: Vec::new(),
        };
        for field in ty.fields().filter(|f| f.cardinality() == Cardinality::Required) {
            builder.slot(&field);
        }
        builder
    }

    /// The slot of a field, made if it has none yet; with it those of its oneof.
    fn slot(&mut self, field: &FieldDescriptor) -> usize {
        if let Some(slot) = self.places.get(&field.number()) {
            return *slot;
        }
        let oneof = field.containing_oneof().filter(|oneof| oneof.fields().len() > 1);
        let of_oneof = oneof.is_some().then(|| {
            self.oneofs.push(Vec::new());
            self.oneofs.len() - 1
        });
        let fields: Vec<FieldDescriptor> = oneof.map_or(vec![field.clone()], |oneof| oneof.fields().collect());
        for field in fields {
            let wire = wire_of(&field);
            let closed = match field.kind() {
                Kind::Enum(ty) if !field.is_list() => Some(names(&ty)).filter(|names| names.closed),
                _ => None,
            };
            self.places.insert(field.number(), self.slots.len());
            if let Some(oneof) = of_oneof {
                self.oneofs[oneof].push(self.slots.len());
            }
            self.slots.push(Slot {
                wire,
                packable: field.is_list() && wire != wire::SIZED,
                required: (field.cardinality() == Cardinality::Required).then(|| field.name().to_string()),
                oneof: of_oneof,
                closed,
            });
        }
        self.places.get(&field.number()).copied().unwrap_or_default()
    }

    fn column(&mut self, column: &Field, rules: Rules, own: Rules) -> Result<(), String> {
        let Some(field) = self.ty.get_field_by_name(&column.name) else {
            let missing = format!("the message {} has no field \"{}\"", self.ty.full_name(), column.name);
            if rules != Rules::Confluent {
                return Err(missing);
            }
            if !column.nullable {
                return Err(format!("{missing}, which is NOT NULL"));
            }
            self.steps.push(Step {
                name: column.name.clone(),
                field: None,
                absent: Absent::Null,
            });
            return Ok(());
        };
        let shape = shape(&field, column, rules)?;
        let slot = self.slot(&field);
        let absent = absent(&field, column, &shape, own);
        self.steps.push(Step {
            name: column.name.clone(),
            field: Some(FieldStep {
                slot,
                number: field.number(),
                shape,
                implicit: !field.supports_presence(),
                required: field.cardinality() == Cardinality::Required,
                oneof: self.slots[slot].oneof,
            }),
            absent,
        });
        Ok(())
    }

    fn finish(self) -> Message {
        let mut numbers: Vec<(u32, usize)> = self.places.into_iter().collect();
        numbers.sort_unstable();
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        order.sort_by_key(|i| self.steps[*i].field.as_ref().map(|f| f.number));
        Message {
            slots: self.slots,
            numbers,
            oneofs: self.oneofs,
            steps: self.steps,
            order,
        }
    }
}

fn wire_of(field: &FieldDescriptor) -> u8 {
    match field.kind() {
        // Never the one of a field that is taken.
        _ if field.is_group() => u8::MAX,
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => wire::EIGHT,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => wire::FOUR,
        Kind::String | Kind::Bytes | Kind::Message(_) => wire::SIZED,
        _ => wire::VARINT,
    }
}

fn differs(field: &FieldDescriptor, column: &Field) -> String {
    let repeated = match field.is_list() {
        true => "repeated ",
        false => "",
    };
    let kind = match field.kind() {
        _ if field.is_map() => "map".to_string(),
        Kind::Message(ty) => format!("message {}", ty.full_name()),
        Kind::Enum(ty) => format!("enum {}", ty.full_name()),
        other => format!("{other:?}").to_lowercase(),
    };
    format!("column \"{}\" ({}): the messages have {repeated}{kind}", column.name, column.type_text())
}

fn shape(field: &FieldDescriptor, column: &Field, rules: Rules) -> Result<Shape, String> {
    let inside = |e: String| format!("column \"{}\": {e}", column.name);
    if field.is_group() {
        return Err(inside("groups are not read".to_string()));
    }
    match &column.ty {
        SqlType::Map(key, value) if field.is_map() || (rules == Rules::Confluent && is_entry(field)) => {
            let Kind::Message(entry) = field.kind() else {
                return Err(differs(field, column));
            };
            let renamed = |name: &str, field: &Field| Field {
                name: name.to_string(),
                ..field.clone()
            };
            let pair = [renamed("key", key), renamed("value", value)];
            Ok(Shape::Map(Box::new(Message::with(&entry, &pair, rules, entry_rules(rules)).map_err(inside)?)))
        }
        SqlType::Array(element) if field.is_list() => Ok(Shape::List {
            item: value(field, element, rules, descriptor::is_wrapped(field)).map_err(inside)?,
            packed: field.is_packed(),
        }),
        _ if field.is_list() || field.is_map() => Err(differs(field, column)),
        _ => Ok(Shape::One(value(field, column, rules, descriptor::is_wrapped(field))?)),
    }
}

/// A key or value that is not there has its default, as protobuf has it of maps.
fn entry_rules(rules: Rules) -> Rules {
    match rules {
        Rules::Flink { .. } => Rules::Flink {
            plain_defaults: true,
            other_defaults: true,
        },
        Rules::Confluent => Rules::Confluent,
    }
}

/// Whether a field holds messages of a key and a value, which is what a map is.
fn is_entry(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::Message(ty) if field.is_list() && ty.fields().len() == 2 => {
            let named = |number: u32, name: &str| ty.get_field(number).is_some_and(|f| f.name() == name);
            named(1, "key") && named(2, "value")
        }
        _ => false,
    }
}

/// A field's value, or each of its values.
fn value(field: &FieldDescriptor, column: &Field, rules: Rules, wrapped: bool) -> Result<Value, String> {
    let wide = rules == Rules::Confluent;
    let unlike = || differs(field, column);
    let one = |integer: Integer| match &column.ty {
        SqlType::Int => Ok(Value::Varint(integer)),
        SqlType::TinyInt | SqlType::SmallInt | SqlType::BigInt if wide => Ok(Value::Varint(integer)),
        // As Confluent's Flink has it.
        SqlType::Time(_) if wide => Ok(Value::Varint(integer)),
        _ => Err(unlike()),
    };
    let only = |fits: bool, value: Value| if fits { Ok(value) } else { Err(unlike()) };
    let is_text = matches!(column.ty, SqlType::Char(_) | SqlType::VarChar(_));
    match field.kind() {
        Kind::Bool => only(column.ty == SqlType::Boolean, Value::Boolean),
        Kind::Int32 => one(Integer::I32),
        Kind::Uint32 => one(Integer::U32),
        Kind::Sint32 => one(Integer::S32),
        Kind::Fixed32 => only(column.ty == SqlType::Int || (wide && column.ty == SqlType::BigInt), Value::Fixed4(Integer::U32)),
        Kind::Sfixed32 => only(column.ty == SqlType::Int || (wide && column.ty == SqlType::BigInt), Value::Fixed4(Integer::I32)),
        Kind::Int64 | Kind::Uint64 => only(column.ty == SqlType::BigInt, Value::Varint(Integer::I64)),
        Kind::Sint64 => only(column.ty == SqlType::BigInt, Value::Varint(Integer::S64)),
        Kind::Fixed64 | Kind::Sfixed64 => only(column.ty == SqlType::BigInt, Value::Fixed8),
        Kind::Float => only(column.ty == SqlType::Float, Value::Float),
        Kind::Double => only(column.ty == SqlType::Double, Value::Double),
        Kind::String => only(is_text, Value::Text),
        Kind::Bytes => only(matches!(column.ty, SqlType::Binary(_) | SqlType::VarBinary(_)), Value::Bytes),
        Kind::Enum(ty) => only(
            is_text || matches!(column.ty, SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt),
            Value::Enum(names(&ty)),
        ),
        Kind::Message(ty) => match &column.ty {
            _ if wide && wrapped => wrapped_value(&ty, column, field.is_list()).ok_or_else(unlike)?,
            SqlType::Row(fields) => {
                let row = Message::new(&ty, fields, rules).map_err(|e| format!("column \"{}\": {e}", column.name))?;
                Ok(Value::Row(Box::new(row)))
            }
            _ if !wide => Err(unlike()),
            SqlType::Timestamp(p) | SqlType::TimestampLtz(p) if ty.full_name() == "google.protobuf.Timestamp" => {
                Ok(Value::Timestamp(temporal::units_per_second(*p)))
            }
            SqlType::Date if ty.full_name() == "google.type.Date" => Ok(Value::Date),
            SqlType::Time(_) if ty.full_name() == "google.type.TimeOfDay" => Ok(Value::Time),
            SqlType::Decimal(precision, scale) if ty.full_name() == "confluent.type.Decimal" => Ok(Value::Decimal {
                precision: *precision,
                scale: *scale,
            }),
            _ if is_wrapper(&ty) => wrapped_value(&ty, column, field.is_list()).ok_or_else(unlike)?,
            _ => Err(unlike()),
        },
    }
}

/// `google.protobuf.StringValue` and the like.
fn is_wrapper(ty: &MessageDescriptor) -> bool {
    ty.package_name() == "google.protobuf" && ty.name().ends_with("Value")
}

/// The value in a message whose only field it is. Nothing if it is another message.
///
/// - `is_item`: of an array, whose items may be arrays that are wrapped in turn; nothing else is, so that a type cannot wrap itself
fn wrapped_value(ty: &MessageDescriptor, column: &Field, is_item: bool) -> Option<Result<Value, String>> {
    let only = ty.get_field_by_name("value").filter(|_| ty.fields().len() == 1)?;
    let wraps_again = descriptor::is_wrapped(&only) || matches!(only.kind(), Kind::Message(ty) if is_wrapper(&ty));
    if wraps_again && !is_item && !only.is_list() {
        return None;
    }
    let inside = Field {
        name: only.name().to_string(),
        ..column.clone()
    };
    let message = Message::new(ty, &[inside], Rules::Confluent);
    Some(message.map(|message| Value::Wrapped(Box::new(message))))
}

/// What a column holds where its field is not.
fn absent(field: &FieldDescriptor, column: &Field, shape: &Shape, rules: Rules) -> Absent {
    let plain = matches!(shape, Shape::One(value) if !value.is_message());
    let reads_default = match rules {
        Rules::Flink {
            plain_defaults,
            other_defaults,
        } => match plain {
            true => plain_defaults || !field.supports_presence(),
            false => other_defaults,
        },
        Rules::Confluent => !field.supports_presence(),
    };
    match shape {
        _ if !reads_default => Absent::Null,
        Shape::List { .. } | Shape::Map(_) => Absent::Empty,
        Shape::One(value) if value.is_message() => Absent::Message,
        Shape::One(Value::Enum(names)) => {
            let default = field.default_value().as_enum_number().unwrap_or_else(|| names.first());
            names.default(default, matches!(column.ty, SqlType::Char(_) | SqlType::VarChar(_)))
        }
        Shape::One(_) => match field.default_value() {
            prost_reflect::Value::Bool(b) => Absent::Boolean(b),
            prost_reflect::Value::I32(n) => Absent::Number(n.into()),
            prost_reflect::Value::I64(n) => Absent::Number(n),
            prost_reflect::Value::U32(n) => Absent::Number(n.into()),
            prost_reflect::Value::U64(n) => Absent::Number(n as i64),
            prost_reflect::Value::F32(n) => Absent::Float(n.into()),
            prost_reflect::Value::F64(n) => Absent::Float(n),
            prost_reflect::Value::String(text) => Absent::Text(text),
            prost_reflect::Value::Bytes(bytes) => Absent::Bytes(bytes.to_vec()),
            _ => Absent::Null,
        },
    }
}

fn names(ty: &EnumDescriptor) -> Arc<Names> {
    let all: Vec<(String, i32)> = ty.values().map(|v| (v.name().to_string(), v.number())).collect();
    // The descriptor has them by number; Java's first is the one that is declared first.
    let declared = ty.enum_descriptor_proto().value.iter();
    let mut declared: Vec<(String, i32)> = declared.filter_map(|v| Some((v.name.clone()?, v.number?))).collect();
    if declared.len() != all.len() {
        declared = all;
    }
    let mut by_number: Vec<(i32, usize)> = declared.iter().enumerate().map(|(i, (_, number))| (*number, i)).collect();
    by_number.sort_unstable();
    by_number.dedup_by_key(|(number, _)| *number);
    Arc::new(Names {
        closed: ty.parent_file().syntax() == Syntax::Proto2,
        all: declared,
        by_number,
    })
}
