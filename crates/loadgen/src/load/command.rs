use super::report::LoadReport;
use super::run::{Extent, Plan, run};
use crate::call::{Method, frame::Template};
use crate::keys::{KeyPlan, random_value};
use crate::{Consistency, KeyOrder, LoadError, LoadOptions, OutputFormat, TargetOptions};
use clap::Args;
use std::time::Duration;
use understudy_wire::etcd::etcdserverpb as pb;

/// Measures writes.
#[derive(Args, Clone, Debug)]
pub struct PutOptions {
    #[command(flatten)]
    pub target: TargetOptions,
    #[command(flatten)]
    pub load: LoadOptions,
    /// How the report is written.
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

/// Measures reads of single keys.
#[derive(Args, Clone, Debug)]
pub struct GetOptions {
    #[command(flatten)]
    pub target: TargetOptions,
    #[command(flatten)]
    pub load: LoadOptions,
    /// What a read stands on.
    #[arg(long, value_enum, default_value_t = Consistency::Linearizable)]
    pub consistency: Consistency,
    /// Read what is there; without it every key is written first.
    #[arg(long)]
    pub no_fill: bool,
    /// How the report is written.
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

/// Writes keys of the options' key space over and over.
pub async fn run_put(options: &PutOptions) -> Result<LoadReport, LoadError> {
    let plan = put_plan(&options.target, &options.load)?;
    let outcome = run(plan).await?;
    Ok(LoadReport::new("put", &options.load, None, outcome))
}

/// Fills the key space (unless `no_fill`), then reads its keys.
pub async fn run_get(options: &GetOptions) -> Result<LoadReport, LoadError> {
    let plan = get_plan(options)?;
    if !options.no_fill {
        fill(&options.target, &options.load).await?;
    }
    let outcome = run(plan).await?;
    let consistency = Some(options.consistency);
    Ok(LoadReport::new("get", &options.load, consistency, outcome))
}

async fn fill(target: &TargetOptions, load: &LoadOptions) -> Result<(), LoadError> {
    let load = LoadOptions {
        count: Some(load.key_space),
        order: KeyOrder::Sequential,
        ..load.clone()
    };
    run(put_plan(target, &load)?).await.map(drop)
}

fn put_plan(target: &TargetOptions, load: &LoadOptions) -> Result<Plan, LoadError> {
    load.check()?;
    let keys = KeyPlan::new(load)?;
    let request = pb::PutRequest {
        key: keys.sample(),
        value: random_value(load.value_size, load.seed),
        ..Default::default()
    };
    let template = Template::new(&request, &request.key);
    plan(
        target,
        load,
        Work {
            method: Method::Put,
            template,
            keys,
        },
    )
}

fn get_plan(options: &GetOptions) -> Result<Plan, LoadError> {
    options.load.check()?;
    let keys = KeyPlan::new(&options.load)?;
    let request = pb::RangeRequest {
        key: keys.sample(),
        serializable: options.consistency == Consistency::Serializable,
        ..Default::default()
    };
    let template = Template::new(&request, &request.key);
    let work = Work {
        method: Method::Range,
        template,
        keys,
    };
    plan(&options.target, &options.load, work)
}

/// What each call does.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) method: Method,
    pub(super) template: Template,
    pub(super) keys: KeyPlan,
}

fn plan(target: &TargetOptions, load: &LoadOptions, work: Work) -> Result<Plan, LoadError> {
    target.check()?;
    let (extent, warm_up) = match load.count {
        Some(calls) => (Extent::Calls(calls), Duration::ZERO),
        None => (Extent::Lasting(load.warm_up + load.duration), load.warm_up),
    };
    Ok(Plan {
        target: target.clone(),
        connections: load.connections,
        in_flight: load.in_flight,
        seed: load.seed,
        extent,
        warm_up,
        course: load.course.clone(),
        work,
    })
}
