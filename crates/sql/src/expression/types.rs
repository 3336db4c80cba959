//! Type names in casts.

use millstream_dataflow::{Error, Field, Result};
use millstream_plan::Type;
use sqlparser::ast::DataType;

/// # Errors
/// `Sql` for a name that is no type.
pub(crate) fn parse_type(ty: &DataType) -> Result<Type> {
    let text = match ty {
        DataType::Custom(name, arguments) if !arguments.is_empty() => format!("{name}({})", arguments.join(", ")),
        other => other.to_string(),
    };
    let field = Field::parse_type("", &text).map_err(|e| Error::sql(format!("\"{text}\" is no type: {}", e.message)).code("E0301"))?;
    Ok(Type::new(field.ty, field.nullable))
}
