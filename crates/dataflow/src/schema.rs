//! Named, typed columns.

use crate::{Result, SqlType};
use arrow_schema::{Field as ArrowField, Schema as ArrowSchema};
use std::sync::Arc;

pub use arrow_schema::SchemaRef;

/// A name, a type and whether NULL may occur: a column, a ROW's field, or the element of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Case-sensitive name.
    pub name: String,
    /// The type.
    pub ty: SqlType,
    /// Whether NULL may occur.
    pub nullable: bool,
}

impl Field {
    /// Key of the Arrow field metadata that holds the type's text.
    pub const TYPE_KEY: &'static str = "sql.type";

    /// A field.
    pub fn new(name: impl Into<String>, ty: SqlType, nullable: bool) -> Self {
        Field {
            name: name.into(),
            ty,
            nullable,
        }
    }
    /// The type with nullability as Flink tells it: `BIGINT NOT NULL`.
    pub fn type_text(&self) -> String {
        self.with_nullability(self.ty.to_string())
    }
    /// The type with nullability in full: [`SqlType::serialized`].
    pub fn serialized_type(&self) -> String {
        self.with_nullability(self.ty.serialized())
    }
    fn with_nullability(&self, ty: String) -> String {
        if self.nullable { ty } else { format!("{ty} NOT NULL") }
    }
    /// The Arrow field, with the exact type in its metadata.
    pub fn to_arrow(&self) -> ArrowField {
        let metadata = [(Self::TYPE_KEY.to_string(), self.ty.serialized())].into();
        ArrowField::new(&self.name, self.ty.to_arrow(), self.nullable).with_metadata(metadata)
    }
    /// The field of an Arrow field: from its metadata if that fits the carrier, else by the carrier's default.
    ///
    /// # Errors
    /// `Sql` for an Arrow type that no Flink type maps to.
    pub fn from_arrow(field: &ArrowField) -> Result<Field> {
        let told = field.metadata().get(Self::TYPE_KEY).and_then(|t| t.parse::<SqlType>().ok());
        let ty = match told {
            Some(ty) if same_carrier(&ty.to_arrow(), field.data_type()) => ty,
            _ => SqlType::from_arrow(field.data_type())?,
        };
        Ok(Field {
            name: field.name().clone(),
            ty,
            nullable: field.is_nullable(),
        })
    }
}

/// Equal but for nested names, nullability and metadata.
fn same_carrier(a: &arrow_schema::DataType, b: &arrow_schema::DataType) -> bool {
    a.equals_datatype(b)
}

/// The columns of a table or an edge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// In order.
    pub fields: Vec<Field>,
}

impl Schema {
    /// A schema of fields.
    pub fn new(fields: Vec<Field>) -> Self {
        Schema { fields }
    }
    /// The Arrow schema with exact types in metadata.
    pub fn to_arrow(&self) -> SchemaRef {
        Arc::new(ArrowSchema::new(self.fields.iter().map(Field::to_arrow).collect::<Vec<_>>()))
    }
    /// See [`Field::from_arrow`].
    ///
    /// # Errors
    /// `Sql` for an Arrow type that no Flink type maps to.
    pub fn from_arrow(schema: &ArrowSchema) -> Result<Schema> {
        Ok(Schema {
            fields: schema.fields().iter().map(|f| Field::from_arrow(f)).collect::<Result<_>>()?,
        })
    }
    /// Index of a column by its exact name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }
}
