//! What the program says to somebody who learns: errors with the line to change, the tutorials' own lines, another
//! language.

mod chinese;
mod errors;
mod logs;
mod pytorch;
