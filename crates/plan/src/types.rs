//! Types and columns in serialisable form: the text that Flink writes.

use millstream_dataflow::{Field, Schema, SqlType};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A type with its nullability. Serialises as `BIGINT NOT NULL`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Type {
    /// The type.
    pub ty: SqlType,
    /// Whether NULL may occur.
    pub nullable: bool,
}

impl Type {
    /// A type with its nullability.
    pub fn new(ty: SqlType, nullable: bool) -> Self {
        Type { ty, nullable }
    }
    /// In full, as it is stored: [`SqlType::serialized`].
    pub fn serialized(&self) -> String {
        self.named("").serialized_type()
    }
    /// As a field of that name.
    pub fn named(&self, name: &str) -> Field {
        Field::new(name, self.ty.clone(), self.nullable)
    }
}

impl From<&Field> for Type {
    fn from(f: &Field) -> Self {
        Type::new(f.ty.clone(), f.nullable)
    }
}

/// As told to people: `STRING NOT NULL`.
impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.named("").type_text())
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.serialized())
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let field = Field::parse_type("", &text).map_err(D::Error::custom)?;
        Ok(Type::new(field.ty, field.nullable))
    }
}

/// A named column of an edge.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// Case-sensitive name.
    pub name: String,
    /// Type and nullability.
    #[serde(rename = "type")]
    pub ty: Type,
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, ty: SqlType, nullable: bool) -> Self {
        Column {
            name: name.into(),
            ty: Type::new(ty, nullable),
        }
    }
    /// As a field.
    pub fn field(&self) -> Field {
        self.ty.named(&self.name)
    }
    /// Many columns as a schema.
    pub fn schema(columns: &[Column]) -> Schema {
        Schema::new(columns.iter().map(Column::field).collect())
    }
}

impl From<&Field> for Column {
    fn from(f: &Field) -> Self {
        Column {
            name: f.name.clone(),
            ty: f.into(),
        }
    }
}
