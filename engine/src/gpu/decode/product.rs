//! What all products of a token's pass have in common.

use std::fmt::Write;

use super::super::device::Abilities;
use super::super::matrix::BLOCK;
use super::super::weights::{DOT_ARGUMENTS, PRELUDE, Weights};
use super::{Dimensions, MOST_GROUPS, Shader, Shape, grid};

/// The pieces of a product that shaders differ in.
pub(super) struct Product<'a> {
    pub(super) abilities: Abilities,
    pub(super) shape: Shape,
    pub(super) matrices: &'a [Weights<'a>],
    /// Beyond the matrices' own: from binding 1 on.
    pub(super) bindings: &'a str,
    /// Statements before the loop; the workgroup's number is `group`.
    pub(super) before: &'a str,
    /// The rows of a workgroup: for each `(matrix, row expression)` a total, in this order.
    pub(super) rows: &'a [(usize, String)],
    /// Statements that declare `x0` to `x7`, given `block`. May add to `squares`.
    pub(super) load: &'a str,
    /// Adds the sum of `squares` behind the rows' totals.
    pub(super) squares: bool,
    /// Statements after the sums: `totals[i]` are whole; `thread` is this one's number.
    pub(super) after: &'a str,
    pub(super) groups: usize,
}

impl Product<'_> {
    pub(super) fn shader(&self) -> Shader {
        let threads = self.shape.threads;
        let columns = self.matrices[0].planes.columns;
        let values = self.rows.len() + usize::from(self.squares);
        let subgroups = self.abilities.subgroups;
        let mut text = String::new();
        if self.abilities.halves {
            text += "enable f16;\n";
        }
        text += PRELUDE;
        text += "@group(0) @binding(0) var<storage, read> weights: array<vec4<u32>>;\n";
        text += self.bindings;
        for matrix in self.matrices {
            text += &matrix.dot();
        }
        let lanes = values * threads as usize;
        let _ = writeln!(text, "var<workgroup> partial: array<f32, {lanes}>;");
        let _ = writeln!(text, "var<workgroup> totals: array<f32, {values}>;");
        let _ = writeln!(text, "@compute @workgroup_size({threads})\nfn main(");
        text += "    @builtin(workgroup_id) workgroup: vec3<u32>,\n";
        text += "    @builtin(local_invocation_index) thread: u32,\n";
        if subgroups {
            text += "    @builtin(subgroup_invocation_id) lane: u32,\n";
            text += "    @builtin(subgroup_id) subgroup: u32,\n";
            text += "    @builtin(num_subgroups) subgroups: u32,\n";
        }
        let _ = writeln!(
            text,
            ") {{\n    let group = workgroup.x + workgroup.y * {MOST_GROUPS}u;\n    \
             if (group >= {}u) {{\n        return;\n    }}",
            self.groups
        );
        text += self.before;
        for value in 0..values {
            let _ = writeln!(text, "    var t{value} = 0.0;");
        }
        let blocks = columns / BLOCK;
        // A loop is kept from being unrolled by what keeps it from being endless.
        let _ = if blocks <= threads as usize {
            writeln!(
                text,
                "    let block = thread;\n    if (block < {blocks}u) {{"
            )
        } else {
            writeln!(
                text,
                "    for (var block = thread; block < {blocks}u; block += {threads}u) {{"
            )
        };
        if self.squares {
            text += "        var squares = 0.0;\n";
        }
        text += self.load;
        let one = "vec4<f32>(1.0)";
        let _ = writeln!(
            text,
            "        let sums = vec2<f32>(dot(x0 + x1 + x2 + x3, {one}), dot(x4 + x5 + x6 + x7, {one}));"
        );
        for (value, (matrix, row)) in self.rows.iter().enumerate() {
            let name = self.matrices[*matrix].name;
            let _ = writeln!(
                text,
                "        t{value} += {name}_dot({row}, block, {DOT_ARGUMENTS});"
            );
        }
        if self.squares {
            let _ = writeln!(text, "        t{} += squares;", values - 1);
        }
        text += "    }\n";
        if subgroups {
            for value in 0..values {
                let _ = writeln!(text, "    t{value} = subgroupAdd(t{value});");
            }
            text += "    if (lane == 0u) {\n";
            for value in 0..values {
                let at = value * threads as usize;
                let _ = writeln!(text, "        partial[{at}u + subgroup] = t{value};");
            }
            text += "    }\n    workgroupBarrier();\n";
            let _ = writeln!(
                text,
                "    for (var value = thread; value < {values}u; value += {threads}u) {{\n        \
                 var total = 0.0;\n        for (var other = 0u; other < subgroups; other++) {{\n            \
                 total += partial[value * {threads}u + other];\n        }}\n        \
                 totals[value] = total;\n    }}\n    workgroupBarrier();"
            );
        } else {
            for value in 0..values {
                let at = value * threads as usize;
                let _ = writeln!(text, "    partial[{at}u + thread] = t{value};");
            }
            text += "    workgroupBarrier();\n";
            let mut stride = threads / 2;
            while stride > 0 {
                let _ = writeln!(text, "    if (thread < {stride}u) {{");
                for value in 0..values {
                    let at = value * threads as usize;
                    let _ = writeln!(
                        text,
                        "        partial[{at}u + thread] += partial[{}u + thread];",
                        at + stride as usize
                    );
                }
                text += "    }\n    workgroupBarrier();\n";
                stride /= 2;
            }
            let _ = writeln!(
                text,
                "    for (var value = thread; value < {values}u; value += {threads}u) {{\n        \
                 totals[value] = partial[value * {threads}u];\n    }}\n    workgroupBarrier();"
            );
        }
        text += self.after;
        text += "}\n";
        Shader {
            text,
            grid: grid(self.groups),
        }
    }
}

/// `hidden`, weighed by the norm; its squares are those before weighing.
pub(super) fn load_normalised(columns: usize) -> String {
    parts(|part| {
        let at = part * (columns / BLOCK);
        format!(
            "        let h{part} = hidden[{at}u + block];
        squares += dot(h{part}, h{part});
        let x{part} = h{part} * parameters[{at}u + block];
"
        )
    })
}

pub(super) fn parts(statement: impl Fn(usize) -> String) -> String {
    (0..8).map(statement).collect()
}

pub(super) fn inverse(dimensions: &Dimensions, squares: usize) -> String {
    format!(
        "    let scale = inverseSqrt(totals[{squares}] / {:?} + {:e});\n",
        dimensions.width as f32, dimensions.epsilon
    )
}
