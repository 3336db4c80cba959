use crate::tests::{node, plan_columns};
use millstream_dataflow::SqlType;
use millstream_dataflow::testing::check_operator;
use millstream_plan::{NodeSpec, Type, Window};

/// Rows `s | t` at these times, and what a window function makes of them.
fn check(window: Window, input: &[&str], expected: &[&str]) {
    let spec = NodeSpec::Window {
        window,
        time: 1,
        window_time: Type::new(SqlType::Timestamp(3), false),
        zone: None,
    };
    let columns = "s STRING, t TIMESTAMP(3) NOT NULL";
    let bounds = ", window_start TIMESTAMP(3) NOT NULL, window_end TIMESTAMP(3) NOT NULL, window_time TIMESTAMP(3) NOT NULL";
    check_operator(node(spec, plan_columns(&format!("{columns}{bounds}"))), &[columns])
        .input(input)
        .leaves_no_state()
        .expect(expected);
}

#[test]
fn each_row_comes_once_per_window_that_holds_it_and_none_is_late() {
    check(
        Window::Tumble { size_ms: 10, offset_ms: 3 },
        &["a | 2", "b | 3", "watermark 100", "c | -8 @ 100", "end"],
        &["a | 2 | -7 | 3 | 2", "b | 3 | 3 | 13 | 12", "c | -8 | -17 | -7 | -8"],
    );
    check(
        Window::Hop {
            slide_ms: 5,
            size_ms: 10,
            offset_ms: 0,
        },
        &["a | 4", "watermark 50", "b | 5 @ 50", "end"],
        &["a | 4 | -5 | 5 | 4", "a | 4 | 0 | 10 | 9", "b | 5 | 0 | 10 | 9", "b | 5 | 5 | 15 | 14"],
    );
}
