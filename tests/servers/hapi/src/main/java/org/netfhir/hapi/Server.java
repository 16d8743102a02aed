// SPDX-License-Identifier: Apache-2.0
package org.netfhir.hapi;

import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings.ClientIdStrategyEnum;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.binary.api.IBinaryStorageSvc;
import ca.uhn.fhir.jpa.binstore.DatabaseBinaryContentStorageSvcImpl;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.r5.JpaR5Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirPostgresDialect;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.validation.JpaValidationSupportChain;
import ca.uhn.fhir.parser.StrictErrorHandler;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.HardcodedServerAddressStrategy;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import jakarta.persistence.EntityManagerFactory;
import java.io.IOException;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.ServerConnector;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/**
 * A whole FHIR server for tests: HAPI FHIR JPA on H2, on 127.0.0.1 only.
 *
 * <p>It lives as long as its standard input is open, so that it cannot outlive the test that
 * started it, and writes {@code READY <base URL>} to standard output once /metadata has answered.
 */
public final class Server {

  private static final long EXIT_TIMEOUT_MS = 20_000;

  /** What the command line says; every field has a default. */
  record Options(
      int port,
      String fhir,
      String jdbc,
      boolean searchReuse,
      boolean strict,
      ClientIdStrategyEnum clientIds) {

    static Options of(String[] arguments) {
      int port = 0;
      String fhir = "r4";
      String jdbc = "jdbc:h2:mem:hapi;DB_CLOSE_DELAY=-1";
      boolean searchReuse = false;
      boolean strict = false;
      ClientIdStrategyEnum clientIds = ClientIdStrategyEnum.ALPHANUMERIC;
      for (int i = 0; i < arguments.length; i++) {
        switch (arguments[i]) {
          case "--port" -> port = Integer.parseInt(valueAfter(i++, arguments));
          case "--fhir" -> fhir = oneOf(valueAfter(i++, arguments), "r4", "r5");
          case "--jdbc" -> jdbc = valueAfter(i++, arguments);
          case "--client-ids" ->
              clientIds = ClientIdStrategyEnum.valueOf(valueAfter(i++, arguments).toUpperCase(Locale.ROOT));
          case "--search-reuse" -> searchReuse = true;
          case "--strict" -> strict = true;
          default -> throw new IllegalArgumentException("unknown argument " + arguments[i]);
        }
      }
      return new Options(port, fhir, jdbc, searchReuse, strict, clientIds);
    }

    private static String valueAfter(int i, String[] arguments) {
      if (i + 1 >= arguments.length) {
        throw new IllegalArgumentException(arguments[i] + " needs a value");
      }
      return arguments[i + 1];
    }

    private static String oneOf(String value, String... allowed) {
      if (!List.of(allowed).contains(value)) {
        throw new IllegalArgumentException(value + " is none of " + String.join(", ", allowed));
      }
      return value;
    }
  }

  @Configuration
  @Import({JpaR4Config.class, Store.class})
  static class R4 {}

  @Configuration
  @Import({JpaR5Config.class, Store.class})
  static class R5 {}

  /** The beans that HAPI leaves to its user. */
  @Configuration
  @Import({
    HapiJpaConfig.class,
    JpaBatch2Config.class,
    Batch2JobsConfig.class,
    SubscriptionChannelConfig.class,
    ThreadPoolFactoryConfig.class
  })
  static class Store {

    @Bean
    JpaStorageSettings storageSettings(Options options) {
      JpaStorageSettings settings = new JpaStorageSettings();
      settings.setResourceClientIdStrategy(options.clientIds());
      if (!options.searchReuse()) {
        settings.setReuseCachedSearchResultsForMillis(null);
      }
      return settings;
    }

    @Bean
    PartitionSettings partitionSettings() {
      return new PartitionSettings();
    }

    @Bean
    SubscriptionSettings subscriptionSettings() {
      return new SubscriptionSettings();
    }

    @Bean
    IBinaryStorageSvc binaryStorageSvc() {
      return new DatabaseBinaryContentStorageSvcImpl();
    }

    @Bean(destroyMethod = "close")
    DataSource dataSource(Options options) {
      BasicDataSource source = new BasicDataSource();
      source.setUrl(options.jdbc());
      source.setMaxTotal(50);
      return source;
    }

    @Bean
    LocalContainerEntityManagerFactoryBean entityManagerFactory(
        ConfigurableListableBeanFactory beans,
        Options options,
        FhirContext context,
        JpaStorageSettings settings,
        DataSource dataSource) {
      boolean postgres = options.jdbc().startsWith("jdbc:postgresql:");
      Class<?> dialect = postgres ? HapiFhirPostgresDialect.class : HapiFhirH2Dialect.class;
      Properties properties = new Properties();
      properties.put("hibernate.dialect", dialect.getName());
      properties.put("hibernate.hbm2ddl.auto", "update");
      properties.put("hibernate.search.enabled", "false");
      properties.put("hibernate.jdbc.batch_size", "20");
      var factory = HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, context, settings);
      factory.setPersistenceUnitName("netfhir");
      factory.setDataSource(dataSource);
      factory.setJpaProperties(properties);
      return factory;
    }

    @Bean
    JpaTransactionManager transactionManager(EntityManagerFactory factory) {
      return new JpaTransactionManager(factory);
    }

    @Bean
    RestfulServer restfulServer(
        Options options,
        FhirContext context,
        IFhirSystemDao<?, ?> systemDao,
        IJpaSystemProvider systemProvider,
        ResourceProviderFactory resourceProviders,
        DatabaseBackedPagingProvider paging,
        JpaStorageSettings settings,
        ISearchParamRegistry searchParameters,
        IValidationSupport validationSupport) {
      if (options.strict()) {
        context.setParserErrorHandler(new StrictErrorHandler());
      }
      paging.setMaximumPageSize(1000);
      RestfulServer server = new RestfulServer(context);
      server.setDefaultResponseEncoding(EncodingEnum.JSON);
      server.setPagingProvider(paging);
      server.registerProviders(resourceProviders.createProviders());
      server.registerProvider(systemProvider);
      server.setServerConformanceProvider(
          new JpaCapabilityStatementProvider(
              server, systemDao, settings, searchParameters, validationSupport));
      return server;
    }
  }

  public static void main(String[] arguments) throws Exception {
    Options options = Options.of(arguments);
    endWithStandardInput();

    var spring = new AnnotationConfigApplicationContext();
    spring.registerBean(Options.class, () -> options);
    spring.register(options.fhir().equals("r5") ? R5.class : R4.class);
    spring.refresh();
    // As R4 says of a required binding: one of the codings has to be of the value set, not all.
    spring
        .getBean(JpaValidationSupportChain.class)
        .setCodeableConceptValidationSuccessfulIfNotAllCodingsAreValid(true);

    var jetty = new org.eclipse.jetty.server.Server();
    ServerConnector connector = new ServerConnector(jetty);
    connector.setHost("127.0.0.1");
    connector.setPort(options.port());
    connector.open();
    jetty.addConnector(connector);

    String base = "http://127.0.0.1:" + connector.getLocalPort() + "/fhir";
    RestfulServer fhir = spring.getBean(RestfulServer.class);
    fhir.setServerAddressStrategy(new HardcodedServerAddressStrategy(base));
    ServletContextHandler handler = new ServletContextHandler("/");
    handler.addServlet(new ServletHolder(fhir), "/fhir/*");
    jetty.setHandler(handler);
    jetty.start();

    Runtime.getRuntime().addShutdownHook(new Thread(spring::close));
    requireMetadata(base);
    System.out.println("READY " + base);
    System.out.flush();
    jetty.join();
  }

  /** Whoever started this server holds the other end; when they are gone, so is the server. */
  private static void endWithStandardInput() {
    Thread watcher = new Thread(Server::awaitEndOfStandardInput, "standard-input");
    watcher.setDaemon(true);
    watcher.start();
  }

  private static void awaitEndOfStandardInput() {
    try {
      System.in.transferTo(OutputStream.nullOutputStream());
    } catch (IOException gone) {
      // Unreadable is as good as closed.
    }
    new Thread(() -> System.exit(0), "exit").start();
    try {
      Thread.sleep(EXIT_TIMEOUT_MS);
    } catch (InterruptedException ignored) {
      // Nothing interrupts this thread; were it so, to halt early would do no harm.
    }
    Runtime.getRuntime().halt(1);
  }

  private static void requireMetadata(String base) throws IOException {
    var connection = (HttpURLConnection) URI.create(base + "/metadata").toURL().openConnection();
    int status = connection.getResponseCode();
    connection.disconnect();
    if (status != 200) {
      throw new IllegalStateException("/metadata answered " + status);
    }
  }
}
