#[stub::function]
pub struct Job;

#[stub::function]
mod jobs {}

trait Runs {
    #[stub::function]
    fn run();
}

fn main() {
    let _ = Job;
}
