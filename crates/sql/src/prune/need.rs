//! How much of a column is read.

use millstream_dataflow::SqlType;
use millstream_plan::{Column, Expr, Value};
use std::collections::BTreeMap;

/// Of columns by index, or of a ROW's fields by name.
pub(super) type Needs<K = usize> = BTreeMap<K, Need>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// All of it.
    Whole,
    /// Some fields of a ROW; none: only whether it is NULL. Of another type this is all of it.
    Fields(Needs<String>),
}

impl Need {
    fn and(&mut self, other: Need) {
        match (self, other) {
            (Need::Whole, _) => {}
            (this, Need::Whole) => *this = Need::Whole,
            (Need::Fields(fields), Need::Fields(more)) => more.into_iter().for_each(|(name, need)| add(fields, name, need)),
        }
    }
}

pub(super) fn add<K: Ord>(needs: &mut Needs<K>, key: K, need: Need) {
    match needs.entry(key) {
        std::collections::btree_map::Entry::Vacant(e) => {
            e.insert(need);
        }
        std::collections::btree_map::Entry::Occupied(mut e) => e.get_mut().and(need),
    }
}

/// What an expression reads if so much of its result is read.
pub(super) fn read(expr: &Expr, need: Need, needs: &mut Needs) {
    let nothing = || Need::Fields(Needs::new());
    match expr {
        Expr::Column(i) => add(needs, *i, need),
        Expr::Literal { .. } => {}
        Expr::Call { name, args, .. } => match (name.as_str(), args.as_slice()) {
            ("field", [row, Expr::Literal { value: Value::Text(field), .. }]) => read(row, Need::Fields(Needs::from([(field.clone(), need)])), needs),
            ("is_null" | "is_not_null", [value]) => read(value, nothing(), needs),
            _ => args.iter().for_each(|a| read(a, Need::Whole, needs)),
        },
        Expr::Cast { expr, .. } => read(expr, Need::Whole, needs),
        Expr::Case { when, otherwise, .. } => {
            let branches = when.iter().flat_map(|(condition, result)| [condition, result]);
            branches.chain(otherwise.as_deref()).for_each(|e| read(e, Need::Whole, needs));
        }
    }
}

/// The type of a column of which only this is read.
pub(super) fn shrink(ty: &SqlType, need: &Need) -> SqlType {
    let (SqlType::Row(fields), Need::Fields(needs)) = (ty, need) else {
        return ty.clone();
    };
    let mut kept: Vec<_> = fields
        .iter()
        .filter_map(|f| {
            let mut field = f.clone();
            field.ty = shrink(&f.ty, needs.get(&f.name)?);
            Some(field)
        })
        .collect();
    if let (true, Some(first)) = (kept.is_empty(), fields.first()) {
        let mut field = first.clone();
        field.ty = shrink(&first.ty, &Need::Fields(Needs::new()));
        kept.push(field);
    }
    SqlType::Row(kept)
}

/// Brings the types of field accesses up to date with the columns below them. Gives the type of a column or field.
pub(super) fn retype(expr: &mut Expr, columns: &[Column]) -> Option<SqlType> {
    match expr {
        Expr::Column(i) => columns.get(*i).map(|c| c.ty.ty.clone()),
        Expr::Literal { .. } => None,
        Expr::Call { name, args, ty, .. } => {
            let of: Vec<Option<SqlType>> = args.iter_mut().map(|a| retype(a, columns)).collect();
            let ("field", [Some(SqlType::Row(fields)), _], [_, Expr::Literal { value: Value::Text(field), .. }]) =
                (name.as_str(), of.as_slice(), args.as_slice())
            else {
                return None;
            };
            ty.ty = fields.iter().find(|f| f.name == *field)?.ty.clone();
            Some(ty.ty.clone())
        }
        Expr::Cast { expr, .. } => {
            retype(expr, columns);
            None
        }
        Expr::Case { when, otherwise, .. } => {
            for (condition, result) in when {
                retype(condition, columns);
                retype(result, columns);
            }
            if let Some(otherwise) = otherwise {
                retype(otherwise, columns);
            }
            None
        }
    }
}
