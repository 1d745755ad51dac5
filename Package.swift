// swift-tools-version: 6.2
import PackageDescription

/// What every target of this package is compiled with.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// The layers, lowest first: a target may import only targets above it in this list.
/// `LayeringTests` reads the imports of every source file and holds them to this order.
let layers: [(name: String, uses: [Target.Dependency])] = [
  ("Quantities", []),
  ("Diagnostics", ["Quantities"]),
  ("Documents", ["Quantities", "Diagnostics", "Yams"]),
  (
    "Workloads",
    [
      "Quantities", "Diagnostics", "Documents",
      .product(name: "RealModule", package: "swift-numerics"),
    ]
  ),
  (
    "Traces",
    [
      "Quantities", "Diagnostics", "Documents", "Workloads", "CZstd", "CZlib",
      .product(name: "SystemPackage", package: "swift-system"),
    ]
  ),
  (
    "Hardware",
    [
      "Quantities", "Diagnostics", "Documents", "Workloads", "Traces",
      .product(name: "SystemPackage", package: "swift-system"),
    ]
  ),
  (
    "Simulation",
    [
      "Quantities", "Diagnostics", "Workloads", "Hardware",
      .product(name: "RealModule", package: "swift-numerics"),
    ]
  ),
  (
    "Validation",
    [
      "Quantities", "Diagnostics", "Documents", "Workloads", "Traces", "Hardware", "Simulation",
      .product(name: "RealModule", package: "swift-numerics"),
    ]
  ),
  (
    "Exploration",
    [
      "Quantities", "Diagnostics", "Documents", "Workloads", "Traces", "Hardware", "Simulation",
      .product(name: "GRDB", package: "GRDB.swift"),
      .product(name: "RealModule", package: "swift-numerics"),
    ]
  ),
  (
    "Reporting",
    [
      "Quantities", "Diagnostics", "Documents", "Workloads", "Hardware", "Simulation", "Validation", "Exploration",
      .product(name: "RealModule", package: "swift-numerics"),
    ]
  ),
  (
    "Lacuna",
    [
      "Quantities", "Diagnostics", "Documents", "Workloads", "Traces", "Hardware", "Simulation",
      "Validation", "Exploration", "Reporting",
    ]
  ),
]

/// The tests, what each may use, and whether it has files beside its sources. Only tests may use Foundation.
let tests: [(name: String, uses: [Target.Dependency], fixtures: Bool)] = [
  ("QuantitiesTests", ["Quantities", "SeededRandom"], false),
  ("DiagnosticsTests", ["Lacuna", "Goldens"], true),
  ("WorkloadsTests", ["Workloads", "Documents", "Diagnostics", "SeededRandom"], false),
  ("HardwareTests", ["Hardware", "Workloads", "Quantities", "Documents", "Diagnostics"], false),
  ("IdentityTests", ["Lacuna", "lacuna-cli", "Simulation", "SeededRandom"], false),
  ("ReportingTests", ["Lacuna", "Goldens"], true),
  (
    "TracesTests",
    ["Quantities", "Diagnostics", "Documents", "Workloads", "Traces", "CZlib", "SeededRandom"],
    false
  ),
  (
    "SystolicTests", ["Simulation", "Hardware", "Workloads", "Quantities", "Diagnostics", "Bench", "SeededRandom"], true
  ),
  ("ValidationTests", ["Lacuna", "Goldens"], true),
  (
    "TensorCoreTests", ["Simulation", "Hardware", "Workloads", "Quantities", "Diagnostics", "Bench", "SeededRandom"],
    false
  ),
  (
    "S4Tests", ["Lacuna", "Simulation", "Hardware", "Workloads", "Quantities", "Diagnostics", "Bench", "SeededRandom"],
    false
  ),
  ("EventTests", ["Simulation", "Hardware", "Workloads", "Quantities", "Diagnostics", "Bench", "SeededRandom"], false),
  (
    "ExplorationTests",
    [
      "Exploration", "Hardware", "Simulation", "Workloads", "Traces", "Documents", "Quantities", "Diagnostics", "Bench",
      "SeededRandom",
      .product(name: "GRDB", package: "GRDB.swift"), .product(name: "RealModule", package: "swift-numerics"),
    ],
    false
  ),
  ("LayeringTests", [], false),
  ("CommandLineTests", ["Lacuna", "lacuna-cli", "Goldens"], true),
]

let package = Package(
  name: "lacuna",
  products: [
    .library(name: "Lacuna", targets: ["Lacuna"]),
    .executable(name: "lacuna", targets: ["lacuna-cli"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
  ]
    + layers.map {
      .target(name: $0.name, dependencies: $0.uses, swiftSettings: settings)
    } + [
      .executableTarget(
        name: "lacuna-cli",
        dependencies: [
          "Lacuna", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: settings),
      // What the tests share: texts recorded once and compared ever after.
      .target(name: "Goldens", path: "Tests/Goldens", swiftSettings: settings),
      .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: settings),
      // Machines and measurements of the repository.
      .target(
        name: "Bench", dependencies: ["Diagnostics", "Hardware"], path: "Tests/Bench", swiftSettings: settings),
    ]
    + tests.map {
      .testTarget(
        name: $0.name, dependencies: $0.uses, exclude: $0.fixtures ? ["Fixtures"] : [], swiftSettings: settings)
    }
)
