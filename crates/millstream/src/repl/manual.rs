//! What is known of functions, without a network.

use super::line::{Line, Mark};
use super::listing::{Listing, fits};
use millstream_dataflow::option::nearest;
use millstream_sql::manual::{FunctionText, functions};

/// Names of all functions that are called by a name.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<String> = functions()
        .iter()
        .map(|f| f.name.to_string())
        .filter(|n| n.starts_with(char::is_alphabetic))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// `\df`: functions whose name fits a pattern.
pub(crate) fn list(pattern: Option<&str>) -> Listing {
    let mut listing = Listing::new(&["function", "group"]);
    for function in functions().into_iter().filter(|f| fits(f.name, pattern)) {
        listing.row([function.usage.to_string(), function.group.to_string()]);
    }
    listing
}

/// `\manual`: everything about a function.
pub(crate) fn of(name: &str) -> Vec<Line> {
    let all = functions();
    let wanted = name.trim_end_matches("()").to_uppercase();
    let found: Vec<&FunctionText> = all.iter().filter(|f| f.name == wanted).collect();
    let Some(first) = found.first() else {
        let near = nearest(&wanted, all.iter().map(|f| f.name));
        let hint = near.map_or("\\df lists them".to_string(), |near| format!("did you mean {near}?"));
        return vec![Line::of(format!("there is no function {wanted}: {hint}"), Mark::Wrong)];
    };
    let mut lines = vec![Line::of(first.group, Mark::Dim)];
    for function in found {
        lines.push(Line::of(format!("  {}", function.usage), Mark::Head));
        lines.push(Line::of(format!("      {}", function.doc), Mark::Plain));
        if let Some((call, result)) = function.example {
            lines.push(Line::of(format!("      {call}  →  {result}"), Mark::Dim));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{list, names, of};

    #[test]
    fn functions_are_looked_up_by_name() {
        let text = |name: &str| of(name).iter().map(|l| l.text()).collect::<Vec<_>>().join("\n");
        assert!(text("lower").contains("LOWER(text)") && text("lower").contains("  →  "), "{}", text("lower"));
        assert!(text("count").contains("COUNT(*)") && text("count").contains("DISTINCT"));
        assert_eq!(text("lowr"), "there is no function LOWR: did you mean LOWER?");
        assert!(!list(Some("regexp*")).is_empty());
        assert!(names().contains(&"TUMBLE".to_string()) && !names().contains(&"=".to_string()));
    }
}
