struct Job;

impl Job {
    #[stub::function]
    fn run(&self) -> u8 {
        1
    }
}

fn main() {
    Job.run();
}
