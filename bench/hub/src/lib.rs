//! What measures the hub from outside: its real process, nodes that answer by a timetable, clients
//! that note when each piece came.

pub mod arguments;
pub mod client;
pub mod figures;
pub mod machine;
pub mod node;
pub mod observed;
pub mod process;
pub mod setting;
pub mod stamp;
pub mod upstream;
