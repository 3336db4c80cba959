//! Row groups that cannot hold a row that is wanted, by the statistics of the file.

use super::{ParquetFile, guarded};
use arrow_array::{Array, ArrayRef, BooleanArray, Scalar};
use arrow_ord::cmp;
use arrow_schema::{DataType, SchemaRef};
use millstream_dataflow::{Comparison, RowTest, SqlType};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use std::sync::Arc;

impl ParquetFile {
    /// Whether no row of a row group passes all tests. Without statistics, or with ones that cannot be compared, a row may.
    pub fn skips(&self, row_group: usize, tests: &[RowTest]) -> bool {
        let fails = |test| guarded(|| self.fails(row_group, test)).ok().flatten();
        tests.iter().any(|test| fails(test).unwrap_or(false))
    }

    /// Whether a test is true of no row of a row group; `None`: that cannot be told.
    fn fails(&self, row_group: usize, test: &RowTest) -> Option<bool> {
        let field = self.schema.fields.iter().find(|f| f.name == test.column)?;
        let names: &SchemaRef = self.metadata.schema();
        let converter = StatisticsConverter::try_new(&test.column, names, self.metadata.parquet_schema()).ok()?;
        let group = [self.metadata.metadata().row_group(row_group)];
        let rows = u64::try_from(group[0].num_rows()).ok()?;
        let statistics = group[0].column(converter.parquet_column_index()?).statistics()?;
        // A file that does not count its NULLs may have some.
        let nulls = statistics.null_count_opt();
        let value = match (test.comparison, &test.value) {
            (Comparison::IsNull, _) => return nulls.map(|n| n == 0),
            (Comparison::IsNotNull, _) => return nulls.map(|n| n == rows),
            (_, value) => value.as_ref()?,
        };
        if nulls == Some(rows) {
            // Nothing is true of NULL.
            return Some(true);
        }
        // Old writers compared texts by another order.
        if !is_ordered_alike(&field.ty) || statistics.is_min_max_deprecated() {
            return None;
        }
        let least = carried(&converter.row_group_mins(group).ok()?, value.data_type())?;
        let greatest = carried(&converter.row_group_maxes(group).ok()?, value.data_type())?;
        let value = Scalar::new(Arc::clone(value));
        let is = |told: Result<BooleanArray, arrow_schema::ArrowError>| told.ok().filter(|b| b.is_valid(0)).map(|b| b.value(0));
        match test.comparison {
            Comparison::Eq => Some(is(cmp::gt(&least, &value))? || is(cmp::lt(&greatest, &value))?),
            Comparison::Lt => is(cmp::gt_eq(&least, &value)),
            Comparison::LtEq => is(cmp::gt(&least, &value)),
            Comparison::Gt => is(cmp::lt_eq(&greatest, &value)),
            Comparison::GtEq => is(cmp::lt(&greatest, &value)),
            Comparison::IsNull | Comparison::IsNotNull => None,
        }
    }
}

/// Types whose order in files is the order of comparisons. NaN has no place in the statistics of floats, CHAR is compared without its padding.
fn is_ordered_alike(ty: &SqlType) -> bool {
    use SqlType as T;
    matches!(
        ty,
        T::TinyInt | T::SmallInt | T::Int | T::BigInt | T::Decimal(..) | T::VarChar(_) | T::Date | T::Time(_) | T::Timestamp(_) | T::TimestampLtz(_)
    )
}

/// Statistics in the carrier of the column, where nothing can be lost on the way.
fn carried(statistics: &ArrayRef, ty: &DataType) -> Option<ArrayRef> {
    use DataType as D;
    let from = statistics.data_type();
    let exact = match (from, ty) {
        (D::Utf8 | D::LargeUtf8 | D::Utf8View, D::Utf8View) => true,
        (D::Int8, D::Int16 | D::Int32 | D::Int64) | (D::Int16, D::Int32 | D::Int64) | (D::Int32, D::Int64) => true,
        (D::Timestamp(a, _), D::Timestamp(b, _)) => a == b,
        (a, b) => a == b,
    };
    exact.then(|| arrow_cast::cast(statistics, ty).ok()).flatten()
}
